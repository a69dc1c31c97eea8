"""Each switch of the charts, on and off."""

import importlib.util
from typing import Any

import pytest
import yaml

from tests.charts.charts import CI_VALUES, NAMESPACE, RELEASE, Charts, Object, Rendering, name_of

pytestmark = pytest.mark.charts
KAFKA_SASL = {
    "kafka.securityProtocol": "SASL_SSL",
    "kafka.sasl.existingSecret": "user",
    "kafka.tls.existingSecret": "tls",
    "kafka.tls.caKey": "ca.crt",
}
SERVICES = ("ingestor", "trainer", "predictor")


def container_of(rendering: Rendering) -> Object:
    return next(spec["containers"][0] for _, _, spec in rendering.pods())


def settings_of(rendering: Rendering, service: str) -> dict[str, str]:
    data: dict[str, str] = next(
        one["data"] for one in rendering.of("ConfigMap") if one["metadata"]["name"] == f"{RELEASE}-{service}"
    )
    return data


def variables_of(container: Object) -> dict[str, Any]:
    return {one["name"]: one.get("value", one.get("valueFrom")) for one in container.get("env", [])}


@pytest.mark.parametrize("chart", SERVICES)
def test_kafka_credentials_are_references(charts: Charts, chart: str) -> None:
    rendering = charts.render(chart, **KAFKA_SASL)

    container = container_of(rendering)
    assert variables_of(container)["CLOSECAST_KAFKA_SASL_PASSWORD"] == {
        "secretKeyRef": {"name": "user", "key": "password"}
    }
    settings = settings_of(rendering, chart)
    assert settings["CLOSECAST_KAFKA_SSL_CAFILE"] == "/etc/closecast/kafka/ca.crt"
    assert "CLOSECAST_KAFKA_SSL_KEYFILE" not in settings
    assert {"name": "kafka-tls", "mountPath": "/etc/closecast/kafka", "readOnly": True} in container["volumeMounts"]
    assert "env" not in container_of(charts.render("ingestor"))


@pytest.mark.parametrize("chart", SERVICES)
def test_a_user_name_may_stand_in_the_values(charts: Charts, chart: str) -> None:
    variables = variables_of(container_of(charts.render(chart, kafka__sasl__username="me", **KAFKA_SASL)))

    assert variables["CLOSECAST_KAFKA_SASL_USERNAME"] == "me"
    assert variables["CLOSECAST_KAFKA_SASL_PASSWORD"] == {"secretKeyRef": {"name": "user", "key": "password"}}


@pytest.mark.parametrize("chart", ["trainer", "predictor"])
def test_mlflow_asks_for_a_password_or_a_token(charts: Charts, chart: str) -> None:
    password = variables_of(container_of(charts.render(chart, mlflow__auth__existingSecret="mlflow")))
    token = variables_of(
        container_of(charts.render(chart, mlflow__auth__existingSecret="mlflow", mlflow__auth__tokenKey="token"))
    )

    assert password.keys() == {"MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"}
    assert token == {"MLFLOW_TRACKING_TOKEN": {"secretKeyRef": {"name": "mlflow", "key": "token"}}}


@pytest.mark.parametrize("chart", SERVICES)
def test_what_is_shared_fills_what_a_chart_leaves_open(charts: Charts, chart: str) -> None:
    rendering = charts.render(
        chart,
        kafka__bootstrapServers="",
        kafka__topicPrefix="own.",
        **{
            "global.kafka": {"bootstrapServers": "{{ .Release.Name }}-kafka:9093", "topicPrefix": "shared."},
            "global.imageRegistry": "registry.example",
            "global.imagePullSecrets": ["pull"],
        },
    )

    settings = settings_of(rendering, chart)
    assert settings["CLOSECAST_KAFKA_BOOTSTRAP_SERVERS"] == f"{RELEASE}-kafka:9093"
    assert settings["CLOSECAST_KAFKA_TOPIC_PREFIX"] == "own."
    for name, _, spec in rendering.pods():
        assert spec["containers"][0]["image"] == f"registry.example/closecast/{chart}:0.1.0", name
        assert spec["imagePullSecrets"] == [{"name": "pull"}], name
    [kafka] = [
        rule["ports"]
        for rule in rendering.one("NetworkPolicy")["spec"]["egress"]
        if {"port": 9093, "protocol": "TCP"} in rule.get("ports", [])
    ]
    assert len(kafka) == 1


@pytest.mark.parametrize("chart", SERVICES)
def test_a_digest_goes_before_the_tag(charts: Charts, chart: str) -> None:
    digest = f"sha256:{'a' * 64}"
    rendering = charts.render(chart, image__digest=digest, image__tag="9")

    assert container_of(rendering)["image"] == f"closecast/{chart}@{digest}"


@pytest.mark.parametrize("chart", SERVICES)
def test_a_changed_setting_makes_new_pods(charts: Charts, chart: str) -> None:
    before, after = (
        next(metadata["annotations"]["checksum/config"] for _, metadata, _ in rendering.pods())
        for rendering in (charts.render(chart), charts.render(chart, config__CLOSECAST_LOG_LEVEL="debug"))
    )

    assert before != after


@pytest.mark.parametrize(
    "change", [{"worker.minReplicas": 3}, {"worker.maxReplicas": 3}, {"serve.requestTimeoutSeconds": 20}]
)
def test_what_a_running_cluster_would_not_take_up_makes_a_new_one(charts: Charts, change: dict[str, int]) -> None:
    before, after = (
        {metadata["annotations"]["checksum/config"] for name, metadata, _ in rendering.pods() if "RayService" in name}
        for rendering in (charts.render("predictor"), charts.render("predictor", **change))
    )

    assert not before & after


@pytest.mark.parametrize("chart", SERVICES)
def test_config_has_the_last_word_and_extra_variables_are_added(charts: Charts, chart: str) -> None:
    rendering = charts.render(
        chart, config__CLOSECAST_KAFKA_SECURITY_PROTOCOL="SSL", extraEnv=[{"name": "HTTPS_PROXY", "value": "http://p"}]
    )

    assert settings_of(rendering, chart)["CLOSECAST_KAFKA_SECURITY_PROTOCOL"] == "SSL"
    assert variables_of(container_of(rendering))["HTTPS_PROXY"] == "http://p"


@pytest.mark.parametrize("chart", SERVICES)
@pytest.mark.parametrize(
    ("switch", "kind"),
    [
        ("monitoring.serviceMonitor.enabled", "ServiceMonitor"),
        ("networkPolicy.enabled", "NetworkPolicy"),
        ("serviceAccount.create", "ServiceAccount"),
    ],
)
def test_objects_come_and_go_with_their_switch(charts: Charts, chart: str, switch: str, kind: str) -> None:
    assert len(charts.render(chart, **{switch: True}).of(kind)) == 1
    assert not charts.render(chart, **{switch: False}).of(kind)


@pytest.mark.parametrize("chart", ["ingestor", "trainer"])
def test_a_single_pod_can_be_kept_from_eviction(charts: Charts, chart: str) -> None:
    assert not charts.render(chart).of("PodDisruptionBudget")
    budget = charts.render(chart, podDisruptionBudget__enabled=True).one("PodDisruptionBudget")
    assert budget["spec"]["maxUnavailable"] == 0


# ingestor


def test_the_ingestor_never_runs_twice(charts: Charts) -> None:
    spec = charts.render("ingestor").one("Deployment")["spec"]

    assert spec["replicas"] == 1
    assert spec["strategy"] == {"type": "Recreate"}
    assert spec["template"]["spec"]["containers"][0]["args"] == ["run"]


def test_the_sample_is_published_whole(charts: Charts) -> None:
    settings = settings_of(charts.render("ingestor"), "ingestor")

    assert (settings["CLOSECAST_INGESTOR_START"], settings["CLOSECAST_INGESTOR_END"]) == ("2000-01-03", "2013-03-01")


def test_a_universe_is_a_file(charts: Charts) -> None:
    rendering = charts.render("ingestor", source="yahoo", universe__symbols=["PETR4", "AAPL"])

    assert rendering.one("ConfigMap", "universe")["data"] == {"symbols.txt": "PETR4\nAAPL\n"}
    settings = settings_of(rendering, "ingestor")
    assert settings["CLOSECAST_INGESTOR_SYMBOLS_FILE"] == "/etc/closecast/universe/symbols.txt"
    assert "CLOSECAST_INGESTOR_START" not in settings
    ports = [rule["ports"] for rule in rendering.one("NetworkPolicy")["spec"]["egress"]]
    assert [{"port": 443, "protocol": "TCP"}] in ports, "Yahoo must be in reach"


def test_a_universe_of_ones_own_is_mounted(charts: Charts) -> None:
    rendering = charts.render("ingestor", universe__existingConfigMap="mine", universe__key="all.txt")

    assert not rendering.of("ConfigMap", "universe")
    assert {"name": "universe", "configMap": {"name": "mine"}} in rendering.one("Deployment")["spec"]["template"][
        "spec"
    ]["volumes"]


def test_csv_files_come_from_a_volume(charts: Charts) -> None:
    rendering = charts.render("ingestor", source="csv", csv__volume={"configMap": {"name": "quotes"}})

    assert {"name": "quotes", "configMap": {"name": "quotes"}} in rendering.one("Deployment")["spec"]["template"][
        "spec"
    ]["volumes"]
    assert settings_of(rendering, "ingestor")["CLOSECAST_INGESTOR_CSV_FOLDER"] == "/var/lib/closecast/quotes"
    assert len(rendering.one("NetworkPolicy")["spec"]["egress"]) == 2, "files need no network but DNS and Kafka"


def test_a_backfill_does_not_stop_the_schedule(charts: Charts) -> None:
    assert not charts.render("ingestor").of("Job")
    job = charts.render("ingestor", backfill={"enabled": True, "start": "2001-01-01"}).one("Job")

    [container] = job["spec"]["template"]["spec"]["containers"]
    assert container["args"] == ["backfill"]
    variables = variables_of(container)
    assert variables["CLOSECAST_INGESTOR_START"] == "2001-01-01"
    assert variables["CLOSECAST_INGESTOR_TRANSACTIONAL_ID"] == "closecast.ingestor-backfill"


def test_another_backfill_is_another_job(charts: Charts) -> None:
    first: dict[str, Any] = {"backfill": {"enabled": True, "start": "2001-01-01"}}
    others: tuple[dict[str, Any], ...] = (
        {"backfill": {"enabled": True, "start": "2002-01-01"}},
        {"kafka__bootstrapServers": "other:9092"},
        {"resources__limits__memory": "1Gi"},  # a Job cannot be changed, whatever of it it is
    )
    names = [
        charts.render("ingestor", **(first | changes)).one("Job")["metadata"]["name"] for changes in (first, *others)
    ]

    assert len(set(names)) == len(names)
    assert (
        charts.render("ingestor", **first, monitoring__rules__enabled=True).one("Job")["metadata"]["name"] == names[0]
    )


# trainer


def test_without_keda_one_trainer_runs_always(charts: Charts) -> None:
    rendering = charts.render("trainer")

    assert rendering.one("Deployment")["spec"]["replicas"] == 1
    assert not rendering.of("ScaledObject")


def test_keda_wakes_the_trainer_on_lag(charts: Charts) -> None:
    rendering = charts.render("trainer", keda__enabled=True, group="us", kafka__topicPrefix="acme.")

    assert "replicas" not in rendering.one("Deployment")["spec"], "an upgrade must not wake or kill it"
    spec = rendering.one("ScaledObject")["spec"]
    assert (spec["minReplicaCount"], spec["maxReplicaCount"]) == (0, 1)
    metadata = [trigger["metadata"] for trigger in spec["triggers"]]
    assert [one["topic"] for one in metadata] == ["acme.quotes", "acme.training-requests"]
    assert {one["consumerGroup"] for one in metadata} == {"us"}
    assert settings_of(rendering, "trainer")["CLOSECAST_TRAINER_GROUP_ID"] == "us"
    assert not rendering.of("TriggerAuthentication")


def test_a_long_training_is_not_taken_for_a_dead_one(charts: Charts) -> None:
    spec = charts.render("trainer", keda__enabled=True, keda__quotes__excludePersistentLag=True).one("ScaledObject")

    assert [trigger["metadata"]["excludePersistentLag"] for trigger in spec["spec"]["triggers"]] == ["true", "false"]


@pytest.mark.parametrize(
    ("protocol", "parameters"),
    [
        ("SASL_PLAINTEXT", {"username", "password"}),
        ("SSL", {"ca", "cert", "key"}),
        ("SASL_SSL", {"username", "password", "ca", "cert", "key"}),
    ],
)
def test_keda_gets_the_same_credentials(charts: Charts, protocol: str, parameters: set[str]) -> None:
    rendering = charts.render(
        "trainer",
        keda__enabled=True,
        **KAFKA_SASL
        | {"kafka.securityProtocol": protocol, "kafka.tls.certKey": "tls.crt", "kafka.tls.keyKey": "tls.key"},
    )

    secrets = rendering.one("TriggerAuthentication")["spec"]["secretTargetRef"]
    assert {one["parameter"] for one in secrets} == parameters
    for trigger in rendering.one("ScaledObject")["spec"]["triggers"]:
        assert trigger["authenticationRef"] == {"name": f"{RELEASE}-trainer"}
        assert ("sasl" in trigger["metadata"]) == ("username" in parameters)
        assert ("tls" in trigger["metadata"]) == ("ca" in parameters)


def test_keda_reads_a_user_name_that_is_no_secret_from_the_trainer(charts: Charts) -> None:
    rendering = charts.render("trainer", keda__enabled=True, kafka__sasl__username="me", **KAFKA_SASL)

    spec = rendering.one("TriggerAuthentication")["spec"]
    assert spec["env"] == [{"parameter": "username", "name": "CLOSECAST_KAFKA_SASL_USERNAME"}]
    assert {one["parameter"] for one in spec["secretTargetRef"]} == {"password", "ca"}


def test_the_history_is_kept_or_not(charts: Charts) -> None:
    def volume(**changes: Any) -> Object:
        spec = charts.render("trainer", **changes).one("Deployment")["spec"]["template"]["spec"]
        return next(one for one in spec["volumes"] if one["name"] == "history")

    assert volume()["persistentVolumeClaim"] == {"claimName": f"{RELEASE}-trainer-history"}
    assert charts.render("trainer").one("PersistentVolumeClaim")["spec"]["resources"] == {
        "requests": {"storage": "5Gi"}
    }
    assert volume(history__persistence__existingClaim="mine")["persistentVolumeClaim"] == {"claimName": "mine"}
    assert not charts.render("trainer", history__persistence__existingClaim="mine").of("PersistentVolumeClaim")
    assert volume(history__persistence__enabled=False)["emptyDir"] == {"sizeLimit": "5Gi"}


def test_gpus(charts: Charts) -> None:
    rendering = charts.render("trainer", gpu={"enabled": True, "count": 2, "runtimeClassName": "nvidia"})

    assert container_of(rendering)["resources"]["limits"] == {"memory": "4Gi", "nvidia.com/gpu": 2}
    assert settings_of(rendering, "trainer")["CLOSECAST_TRAINER_DEVICE"] == "cuda"
    assert rendering.one("Deployment")["spec"]["template"]["spec"]["runtimeClassName"] == "nvidia"
    assert "CLOSECAST_TRAINER_DEVICE" not in settings_of(charts.render("trainer"), "trainer")


def test_trainings_spread_over_a_ray_cluster_that_is_named(charts: Charts) -> None:
    rendering = charts.render("trainer", ray__address="ray://training-head-svc:10001")

    assert settings_of(rendering, "trainer")["RAY_ADDRESS"] == "ray://training-head-svc:10001"
    egress = rendering.one("NetworkPolicy")["spec"]["egress"]
    assert {"ports": [{"port": 10001, "protocol": "TCP"}]} in egress
    assert "RAY_ADDRESS" not in settings_of(charts.render("trainer"), "trainer")


# predictor


def test_ray_scales_by_what_replicas_reserve(charts: Charts) -> None:
    rendering = charts.render("predictor", serve__maxReplicas=6, serve__replicaCpus=0.5, worker__maxReplicas=3)

    settings = settings_of(rendering, "predictor")
    assert settings["CLOSECAST_PREDICTOR_MAX_REPLICAS"] == "6"
    assert settings["CLOSECAST_PREDICTOR_REPLICA_CPUS"] == "0.5"
    cluster = rendering.one("RayService")["spec"]["rayClusterConfig"]
    assert cluster["enableInTreeAutoscaling"] is True
    assert cluster["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0", "no replica runs beside Ray's own"
    [workers] = cluster["workerGroupSpecs"]
    assert (workers["minReplicas"], workers["maxReplicas"], workers["rayStartParams"]["num-cpus"]) == (1, 3, "2")


def test_fractions_may_come_as_text_as_set_gives_them(charts: Charts) -> None:
    settings = settings_of(charts.render("predictor", serve__targetBusy="0.5", serve__replicaCpus="0.25"), "predictor")

    assert (settings["CLOSECAST_PREDICTOR_TARGET_BUSY"], settings["CLOSECAST_PREDICTOR_REPLICA_CPUS"]) == (
        "0.5",
        "0.25",
    )


def test_serve_runs_the_application_on_every_node(charts: Charts) -> None:
    config = yaml.safe_load(charts.render("predictor").one("RayService")["spec"]["serveConfigV2"])

    assert config["proxy_location"] == "EveryNode"
    assert config["http_options"]["port"] == 8000
    [application] = config["applications"]
    assert application["import_path"] == "closecast_predictor.app:build"


def test_upgrades_bring_up_a_second_cluster_first(charts: Charts) -> None:
    spec = charts.render("predictor", ray__oldClusterSeconds=200).one("RayService")["spec"]

    assert spec["upgradeStrategy"] == {"type": "NewCluster"}
    assert spec["excludeHeadPodFromServeSvc"] is False, "it answers until the new workers do"
    assert spec["rayClusterDeletionDelaySeconds"] == 200


def test_what_the_head_knows_may_be_in_a_redis(charts: Charts) -> None:
    rendering = charts.render(
        "predictor",
        ray__gcsFaultTolerance__redisAddress="rediss://redis.example:6380",
        ray__gcsFaultTolerance__existingSecret="redis",
    )

    assert rendering.one("RayService")["spec"]["rayClusterConfig"]["gcsFaultToleranceOptions"] == {
        "redisAddress": "rediss://redis.example:6380",
        "redisPassword": {"valueFrom": {"secretKeyRef": {"name": "redis", "key": "password"}}},
    }
    [source] = container_of(rendering)["envFrom"]
    assert source["configMapRef"]["optional"], "an uninstall takes it away before the Redis is cleared"
    egress = rendering.one("NetworkPolicy")["spec"]["egress"]
    assert 6380 in {port["port"] for rule in egress for port in rule.get("ports", [])}
    assert "gcsFaultToleranceOptions" not in charts.render("predictor").one("RayService")["spec"]["rayClusterConfig"]


def test_rays_own_ports_need_a_token_and_are_closed(charts: Charts) -> None:
    rendering = charts.render("predictor")

    assert rendering.one("RayService")["spec"]["rayClusterConfig"]["authOptions"] == {"mode": "token"}
    rules = rendering.one("NetworkPolicy")["spec"]["ingress"]
    [among_themselves] = [rule for rule in rules if "ports" not in rule]
    assert [peer.keys() for peer in among_themselves["from"]] == [{"podSelector"}]
    dashboard = [rule for rule in rules if {"port": 8265, "protocol": "TCP"} in rule.get("ports", [])]
    # The one label that its Helm chart and its kustomization have in common.
    assert [rule["from"][0]["podSelector"]["matchLabels"] for rule in dashboard] == [
        {"app.kubernetes.io/component": "kuberay-operator"}
    ]
    opened = {port["port"] for rule in rules for port in rule.get("ports", [])}
    assert opened == {8000, 8265, 8080, 9203}


def test_token_authentication_can_be_left_out(charts: Charts) -> None:
    cluster = charts.render("predictor", ray__tokenAuth=False).one("RayService")["spec"]["rayClusterConfig"]

    assert "authOptions" not in cluster


def test_rays_autoscaler_is_restricted_too(charts: Charts) -> None:
    options = charts.render("predictor").one("RayService")["spec"]["rayClusterConfig"]["autoscalerOptions"]

    assert options["version"] == "v2"
    assert options["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert options["securityContext"]["readOnlyRootFilesystem"] is True


def test_an_ingress_leads_to_serve(charts: Charts) -> None:
    assert not charts.render("predictor").of("Ingress")
    rendering = charts.render(
        "predictor",
        ingress={
            "enabled": True,
            "className": "traefik",
            "host": "f.example",
            "annotations": {"a": "b"},
            "tls": {"enabled": True, "secretName": "tls"},
        },
    )

    ingress = rendering.one("Ingress")
    assert ingress["metadata"]["annotations"] == {"a": "b"}
    assert ingress["spec"]["tls"] == [{"hosts": ["f.example"], "secretName": "tls"}]
    [rule] = ingress["spec"]["rules"]
    assert rule["host"] == "f.example"
    service = rule["http"]["paths"][0]["backend"]["service"]
    assert service == {"name": f"{RELEASE}-predictor-serve-svc", "port": {"name": "serve"}}
    assert settings_of(rendering, "predictor")["CLOSECAST_PREDICTOR_PROXIES"] == "1"


def test_callers_are_asked_who_they_are(charts: Charts) -> None:
    rendering = charts.render(
        "predictor",
        auth__keys__existingSecret="keys",
        auth__users__existingSecret="users",
        auth__signingKey__existingSecret="signing",
    )

    settings = settings_of(rendering, "predictor")
    assert settings["CLOSECAST_AUTH_KEYS_FILE"] == "/etc/closecast/auth/keys/keys"
    for name, _, spec in rendering.pods():
        if not name.startswith("RayService"):
            continue
        [container] = spec["containers"]
        assert variables_of(container)["CLOSECAST_AUTH_SIGNING_KEY"] == {
            "secretKeyRef": {"name": "signing", "key": "signing-key"}
        }
        paths = {mount["mountPath"] for mount in container["volumeMounts"]}
        assert paths >= {"/etc/closecast/auth/keys", "/etc/closecast/auth/users"}, name


def test_workers_are_kept_from_eviction_where_there_are_several(charts: Charts) -> None:
    assert not charts.render("predictor").of("PodDisruptionBudget")
    budget = charts.render("predictor", worker__minReplicas=2).one("PodDisruptionBudget")
    assert budget["spec"]["minAvailable"] == 1
    assert budget["spec"]["selector"]["matchLabels"]["ray.io/node-type"] == "worker"


# closecast


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_can_be_left_out(charts: Charts, service: str) -> None:
    with_it, without = (charts.render("closecast", **{f"{service}.enabled": on}) for on in (True, False))

    assert with_it.of("ServiceAccount", service)
    assert not without.of("ServiceAccount", service)


def test_kafka_and_mlflow_come_along(charts: Charts) -> None:
    rendering = charts.render("closecast")

    kafka = f"{RELEASE}-kafka.{NAMESPACE}:9092"
    for service in SERVICES:
        assert settings_of(rendering, service)["CLOSECAST_KAFKA_BOOTSTRAP_SERVERS"] == kafka
    [container] = rendering.one("StatefulSet", "kafka")["spec"]["template"]["spec"]["containers"]
    assert variables_of(container)["KAFKA_ADVERTISED_LISTENERS"] == f"PLAINTEXT://{kafka}"
    assert container["image"] == "docker.io/apache/kafka:4.1.0"
    mlflow = f"{RELEASE}-mlflow.{NAMESPACE}:5000"
    assert settings_of(rendering, "trainer")["CLOSECAST_MLFLOW_TRACKING_URI"] == f"http://{mlflow}"
    [container] = rendering.one("Deployment", "mlflow")["spec"]["template"]["spec"]["containers"]
    variables = variables_of(container)
    assert mlflow in variables["MLFLOW_SERVER_ALLOWED_HOSTS"].split(",")
    assert variables["MLFLOW_BACKEND_STORE_URI"] == "sqlite:////var/lib/mlflow/mlflow.db"


def test_uninstalling_leaves_no_volume(charts: Charts) -> None:
    rendering = charts.render("closecast")

    policy = rendering.one("StatefulSet", "kafka")["spec"]["persistentVolumeClaimRetentionPolicy"]
    assert policy["whenDeleted"] == "Delete"
    assert rendering.one("PersistentVolumeClaim", "mlflow")["metadata"].get("annotations") is None


def test_what_is_not_kept_needs_no_claim(charts: Charts) -> None:
    rendering = charts.render(
        "closecast",
        kafka__persistence__enabled=False,
        mlflow__persistence__enabled=False,
        trainer__history__persistence__enabled=False,
    )

    assert not rendering.of("PersistentVolumeClaim")
    assert "volumeClaimTemplates" not in rendering.one("StatefulSet")["spec"]


def test_mlflow_on_postgresql_and_s3(charts: Charts) -> None:
    [values] = [path for path in CI_VALUES if name_of(path) == "closecast-mlflow-s3"]
    rendering = charts.render("closecast", values)

    [container] = rendering.one("Deployment", "mlflow")["spec"]["template"]["spec"]["containers"]
    assert "--artifacts-destination=s3://models/closecast" in container["args"]
    variables = variables_of(container)
    assert variables["MLFLOW_BACKEND_STORE_URI"] == {"secretKeyRef": {"name": "mlflow-database", "key": "uri"}}
    assert variables["MLFLOW_S3_ENDPOINT_URL"] == "http://minio:9000"
    assert variables["AWS_SECRET_ACCESS_KEY"] == {"secretKeyRef": {"name": "minio", "key": "secret-access-key"}}
    assert not rendering.of("PersistentVolumeClaim", "mlflow")


def test_external_kafka_and_mlflow(charts: Charts) -> None:
    [values] = [path for path in CI_VALUES if name_of(path) == "closecast-external"]
    rendering = charts.render("closecast", values)

    assert not rendering.of("StatefulSet")
    assert not rendering.of("Deployment", "mlflow")
    assert settings_of(rendering, "trainer")["CLOSECAST_MLFLOW_TRACKING_URI"] == "https://mlflow.example"
    assert {f"{RELEASE}-more", f"{RELEASE}-text"} <= {one["metadata"]["name"] for one in rendering.of("ConfigMap")}
    assert rendering.one("Ingress")["spec"]["tls"] == [{"hosts": ["forecasts.example"]}]


def test_their_doors_are_open_to_the_release_and_keda_alone(charts: Charts) -> None:
    rendering = charts.render("closecast")

    peers = rendering.one("NetworkPolicy", "kafka")["spec"]["ingress"][0]["from"]
    assert [peer["podSelector"]["matchLabels"] for peer in peers] == [
        {"app.kubernetes.io/instance": RELEASE, "app.kubernetes.io/part-of": "closecast"},
        {"app": "keda-operator"},
    ]
    assert "egress" not in rendering.one("NetworkPolicy", "mlflow")["spec"], "it calls nobody"
    for service in SERVICES:
        for name, metadata, _ in charts.render(service).pods():
            assert metadata["labels"].get("app.kubernetes.io/part-of") == "closecast", name


def test_helm_test_asks_for_a_forecast(charts: Charts) -> None:
    pod = charts.render("closecast").one("Pod", "test")

    assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"
    [container] = pod["spec"]["containers"]
    assert variables_of(container)["ADDRESS"] == f"http://{RELEASE}-predictor-serve-svc:8000"
    *interpreter, module = container["command"]
    assert interpreter == ["python", "-m"]
    assert importlib.util.find_spec(module)
