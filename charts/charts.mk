# Helm charts: their tools (built by Go, pinned here), documents and tests.
HELM_VERSION := v3.19.4
# Minor version of Kubernetes that `helm template` takes for granted
HELM_KUBERNETES := 34
HELM_DOCS_VERSION := v1.14.2
KUBECTL_VALIDATE_VERSION := v0.0.4
# Prometheus 3.5, which its Go module numbers 0.305
PROMETHEUS_VERSION := v0.305.0
DOCKER_COMPOSE_VERSION := v2.40.3
SKAFFOLD_VERSION := v2.16.1

TOOLS := .tools/bin
CRDS := .tools/crds
HELM := $(TOOLS)/helm
# To use the charts the one of this machine will do, which spares building ours.
ANY_HELM := $(shell command -v helm 2>/dev/null || echo $(HELM))
CHARTS := ingestor trainer predictor closecast
CHART_TOOLS := $(HELM) $(TOOLS)/helm-docs $(TOOLS)/kubectl-validate $(TOOLS)/promtool $(TOOLS)/kustomize \
  $(TOOLS)/docker-compose $(TOOLS)/skaffold $(CRDS)/.fetched
HELM_INTERNALS := helm.sh/helm/v3
NEED_GO = command -v go >/dev/null || { echo "the charts' tools are built by Go 1.24 or newer: https://go.dev/dl"; exit 1; }
# Folder of a Go module, fetched if need be
MODULE = go mod download -json $(1) | sed -n 's/^\t"Dir": "\(.*\)",$$/\1/p'
GO_INSTALL = $(NEED_GO); GOBIN=$(abspath $(TOOLS)) go install -trimpath

##@ Charts
.PHONY: charts
charts: $(INSTALLED) charts-tools ## Lint, render, validate and test the Helm charts, k8s/, compose.yaml and skaffold.yaml
	$(BIN)/pytest -m charts $(ARGS)

.PHONY: charts-deps
charts-deps: $(ANY_HELM) ## Put the charts that the charts depend on beside them, as `helm install` needs it
	@for chart in $(CHARTS); do $(ANY_HELM) dependency update --skip-refresh charts/$$chart >/dev/null; done

.PHONY: charts-docs
charts-docs: $(INSTALLED) charts-tools ## Regenerate README.md, values.schema.json, dashboards and snapshots of the charts
	$(BIN)/python -m charts.dashboards
	$(BIN)/python charts/generate.py
	CLOSECAST_UPDATE_SNAPSHOTS=1 $(BIN)/pytest -q tests/charts/test_snapshots.py

.PHONY: charts-tools
charts-tools: $(CHART_TOOLS) ## Bring Helm, Docker Compose, Skaffold and what else the tests of charts need into .tools (needs Go and Maven)

$(HELM): charts/charts.mk
	@echo "building Helm into $(TOOLS)"
	@$(GO_INSTALL) -ldflags "-s -w -X $(HELM_INTERNALS)/internal/version.version=$(HELM_VERSION) \
	  $(foreach package,chartutil lint/rules,-X $(HELM_INTERNALS)/pkg/$(package).k8sVersionMajor=1 \
	  -X $(HELM_INTERNALS)/pkg/$(package).k8sVersionMinor=$(HELM_KUBERNETES))" $(HELM_INTERNALS)/cmd/helm@$(HELM_VERSION)
	@touch $@

$(TOOLS)/helm-docs: charts/charts.mk
	@$(GO_INSTALL) github.com/norwoodj/helm-docs/cmd/helm-docs@$(HELM_DOCS_VERSION)
	@touch $@

$(TOOLS)/kubectl-validate: charts/charts.mk
	@$(GO_INSTALL) sigs.k8s.io/kubectl-validate@$(KUBECTL_VALIDATE_VERSION)
	@touch $@

# Its module replaces some of what it needs, which `go install` refuses.
$(TOOLS)/promtool: charts/charts.mk
	@$(NEED_GO); go build -C "$$($(call MODULE,github.com/prometheus/prometheus@$(PROMETHEUS_VERSION)))" \
	  -trimpath -ldflags "-s -w" -o $(abspath $@) ./cmd/promtool

$(TOOLS)/docker-compose: charts/charts.mk
	@echo "building Docker Compose into $(TOOLS)"
	@$(NEED_GO); go build -C "$$($(call MODULE,github.com/docker/compose/v2@$(DOCKER_COMPOSE_VERSION)))" \
	  -trimpath -ldflags "-s -w" -o $(abspath $@) ./cmd

$(TOOLS)/skaffold: charts/charts.mk
	@echo "building Skaffold into $(TOOLS) (some minutes)"
	@$(NEED_GO); go build -C "$$($(call MODULE,github.com/GoogleContainerTools/skaffold/v2@$(SKAFFOLD_VERSION)))" \
	  -trimpath -ldflags "-s -w" -o $(abspath $@) ./cmd/skaffold
