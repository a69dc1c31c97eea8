"""Bad values are refused by name, before anything is installed."""

from typing import Any

import pytest

from tests.charts.charts import Charts, RefusedError

pytestmark = pytest.mark.charts

REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("ingestor", {"kafka.bootstrapServers": ""}, "kafka.bootstrapServers is missing"),
    ("ingestor", {"kafka.bootstrapServers": "kafka"}, "/kafka/bootstrapServers"),
    ("ingestor", {"kafka.bootstrapServer": "kafka:9092"}, "bootstrapServer"),
    ("ingestor", {"kafka.securityProtocol": "TLS"}, "/kafka/securityProtocol"),
    ("ingestor", {"kafka.securityProtocol": "SASL_SSL"}, "kafka.sasl.existingSecret"),
    ("ingestor", {"kafka.sasl.existingSecret": "No_Secret"}, "/kafka/sasl/existingSecret"),
    ("ingestor", {"global.kafka.securityProtocol": "TLS"}, "/global/kafka/securityProtocol"),
    ("ingestor", {"replicas": 2}, "replicas"),
    ("ingestor", {"source": "bloomberg"}, "/source"),
    ("ingestor", {"source": "yahoo"}, "universe is missing"),
    ("ingestor", {"source": "csv"}, "/csv/volume"),
    ("ingestor", {"universe.symbols": ["../etc"]}, "/universe/symbols/0"),
    ("ingestor", {"schedule.start": "2015"}, "/schedule/start"),
    ("ingestor", {"backfill.enabled": True}, "backfill.start is missing"),
    ("ingestor", {"image.digest": "sha256:1"}, "/image/digest"),
    ("ingestor", {"image.pullPolicy": "Sometimes"}, "/image/pullPolicy"),
    ("ingestor", {"resources.requests.memory": "much"}, "/resources/requests/memory"),
    ("ingestor", {"config": {"a b": "c"}}, "a b"),
    ("ingestor", {"monitoring.rules.runbookUrl": "alerts.md"}, "/monitoring/rules/runbookUrl"),
    ("trainer", {"mlflow.trackingUri": ""}, "mlflow.trackingUri is missing"),
    ("trainer", {"mlflow.trackingUri": "mlflow:5000"}, "/mlflow/trackingUri"),
    ("trainer", {"replicaCount": -1}, "replicaCount"),
    ("trainer", {"keda.pollingInterval": 0}, "/keda/pollingInterval"),
    ("trainer", {"gpu.count": 0}, "/gpu/count"),
    ("trainer", {"ray.address": "training-head-svc:10001"}, "/ray/address"),
    ("trainer", {"history.persistence.accessModes": ["ReadOnlyMany"]}, "/history/persistence/accessModes/0"),
    ("predictor", {"serve.minReplicas": -1}, "/serve/minReplicas"),
    ("predictor", {"serve.minReplicas": 5}, "serve.minReplicas 5 is more than serve.maxReplicas 4"),
    ("predictor", {"worker.minReplicas": 5}, "worker.minReplicas 5 is more than worker.maxReplicas 4"),
    ("predictor", {"serve.drainSeconds": 30}, "serve.drainSeconds 30 must be more than serve.requestTimeoutSeconds 30"),
    ("predictor", {"terminationGracePeriodSeconds": 45}, "terminationGracePeriodSeconds 45 must be more"),
    ("predictor", {"ray.oldClusterSeconds": 10}, "ray.oldClusterSeconds 10 must be more"),
    ("predictor", {"serve.replicaCpus": 3}, "must fit into worker.cpus 2"),
    ("predictor", {"serve.replicaCpus": 2.5}, "must fit into worker.cpus 2"),
    ("predictor", {"serve.targetBusy": 1.5}, "/serve/targetBusy"),
    ("predictor", {"serve.targetBusy": "1.5"}, "/serve/targetBusy"),
    ("predictor", {"serve.replicaCpus": "0"}, "/serve/replicaCpus"),
    ("predictor", {"ingress.enabled": True, "ingress.tls.enabled": True}, "ingress.host is missing"),
    ("predictor", {"ingress.host": "not a name"}, "/ingress/host"),
    ("predictor", {"auth.users.existingSecret": "users"}, "auth.signingKey.existingSecret is missing"),
    ("predictor", {"ray.gcsFaultTolerance.redisAddress": "redis"}, "/ray/gcsFaultTolerance/redisAddress"),
    ("predictor", {"auth.jwks.url": "https://issuer.example"}, "auth.jwks.issuer"),
    ("predictor", {"auth.keys.secret": "keys"}, "secret"),
    ("predictor", {"fullnameOverride": "a" * 48}, "47"),
    ("closecast", {"kafka.enabled": False}, "there is no Kafka at try-kafka.space:9092"),
    ("closecast", {"mlflow.enabled": False}, "there is no MLflow at http://try-mlflow.space:5000"),
    ("closecast", {"global.kafka.securityProtocol": "SSL"}, "speaks PLAINTEXT only"),
    ("closecast", {"global.kafca.bootstrapServers": "kafka:9092"}, "kafca"),
    ("closecast", {"predictor.serve.minReplicas": 0}, "/serve/minReplicas"),
    ("closecast", {"trainer.kedda.enabled": True}, "kedda"),
    ("closecast", {"mlflow.s3.destination": "/models"}, "/mlflow/s3/destination"),
    ("closecast", {"kafka.image.tagg": "4"}, "tagg"),
    ("closecast", {"unknown": 1}, "unknown"),
]


@pytest.mark.parametrize(
    ("chart", "values", "reason"), REFUSED, ids=[f"{chart}-{'-'.join(values)}" for chart, values, _ in REFUSED]
)
def test_it_is_refused_by_name(charts: Charts, chart: str, values: dict[str, Any], reason: str) -> None:
    with pytest.raises(RefusedError) as refusal:
        charts.render(chart, **values)

    message = str(refusal.value)
    assert reason in message or reason in message.replace(".", "/"), message
