"""One broker of Apache Kafka as a child process."""

import base64
import os
import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

import psutil

from closecast.kafka import KafkaSettings
from closecast.ports import free_ports
from closecast_local.processes import Child, Command
from closecast_local.readiness import kafka_answers, wait_until
from tests.support.kafka.certificates import Certificates
from tests.support.kafka.jars import KafkaNotInstallableError, kafka_jars

__all__ = ["KafkaBroker", "KafkaNotInstallableError"]

_START_TIMEOUT_S: Final = 60.0
_JAVA: Final = ("java", "-Xmx384m", "-XX:+UseSerialGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")

_PROPERTIES: Final = """\
node.id=1
process.roles=broker,controller
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=PLAINTEXT://{host}:{port}
controller.listener.names=CONTROLLER
controller.quorum.voters=1@{host}:{controller_port}
log.dirs={data}
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.cleaner.dedupe.buffer.size=16777216
num.io.threads=4
num.network.threads=2
"""

_GUARDED: Final = """\
listeners=PLAINTEXT://{host}:{port},SASL_PLAINTEXT://{host}:{secured_port},CONTROLLER://{host}:{controller_port}
advertised.listeners=PLAINTEXT://{host}:{port},SASL_PLAINTEXT://{host}:{secured_port}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required;
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
"""
"""The broker itself, and whoever sets it up, come by the other listener."""

_ENCRYPTED: Final = """\
listeners=PLAINTEXT://{host}:{port},SASL_SSL://{host}:{secured_port},SSL://{host}:{mutual_port},\
CONTROLLER://{host}:{controller_port}
advertised.listeners=PLAINTEXT://{host}:{port},SASL_SSL://{host}:{secured_port},SSL://{host}:{mutual_port}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.ssl.ssl.client.auth=required
ssl.keystore.type=PEM
ssl.keystore.location={certificates.broker}
ssl.truststore.type=PEM
ssl.truststore.location={certificates.authority}
"""
"""The listener of SASL asks for no certificate, the other one for nothing else."""


class KafkaBroker:
    """A single-node Kafka on ports of its own; it runs inside its `with` block.

    It keeps its ports and its data over `kill` and `start`, as a broker does whose machine went down.

    Args:
        folder: Empty folder for its data and log.
        passwords: Of users, by their names, who may do no more than access control lists say; `settings` then are a
            superuser's, and `settings_of` each user's.
        certificates: For TLS, by which users then come, and may do everything; so may the client that has the
            certificate, whose settings `settings_of_client` are.

    Raises:
        KafkaNotInstallableError: If this machine lacks what a broker needs.

    Attributes:
        host: What clients call it.
    """

    host: Final = "127.0.0.1"

    def __init__(
        self, folder: Path, passwords: Mapping[str, str] | None = None, certificates: Certificates | None = None
    ) -> None:
        self._jars = kafka_jars()
        self._folder = folder
        self._passwords = dict(passwords or {})
        self._certificates = certificates
        self.port, self._secured_port, self._mutual_port, controller_port = free_ports(4)
        self._child: Child | None = None
        secured = _ENCRYPTED if certificates else _GUARDED if self._passwords else ""
        properties = (_PROPERTIES + secured).format(
            host=self.host,
            port=self.port,
            secured_port=self._secured_port,
            mutual_port=self._mutual_port,
            controller_port=controller_port,
            data=folder / "data",
            certificates=certificates,
        )
        self._properties = folder / "server.properties"
        self._properties.write_text(properties)
        self._format()

    @property
    def bootstrap_servers(self) -> str:
        """Its address, as Kafka's clients take it."""
        return f"{self.host}:{self.port}"

    def settings(self, **overrides: object) -> KafkaSettings:
        """Return settings that lead here, under a topic prefix that nobody else uses unless one is given."""
        options: dict[str, object] = {
            "bootstrap_servers": self.bootstrap_servers,
            "topic_prefix": f"t{uuid.uuid4().hex[:8]}.",
            "partitions": 3,
            "connect_timeout_s": 15,
        }
        return KafkaSettings.model_validate(options | overrides)

    def settings_of(self, user: str, **overrides: object) -> KafkaSettings:
        """Return the same for one of the users."""
        access = {
            "bootstrap_servers": f"{self.host}:{self._secured_port}",
            "security_protocol": "SASL_SSL" if self._certificates else "SASL_PLAINTEXT",
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_username": user,
            "sasl_password": self._passwords[user],
            "ssl_cafile": str(self._certificates.authority) if self._certificates else None,
        }
        return self.settings(**access | overrides)

    def settings_of_client(self, **overrides: object) -> KafkaSettings:
        """Return the same for the client that has a certificate."""
        assert self._certificates is not None, "has no certificates"
        access = {
            "bootstrap_servers": f"{self.host}:{self._mutual_port}",
            "security_protocol": "SSL",
            "ssl_cafile": str(self._certificates.authority),
            "ssl_certfile": str(self._certificates.client),
            "ssl_keyfile": str(self._certificates.client_key),
        }
        return self.settings(**access | overrides)

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = Command(
            name="Apache Kafka",
            arguments=(*self._java("kafka.Kafka"), str(self._properties)),
            log=self._folder / "kafka.log",
        )
        self._child = Child(command)
        wait_until(
            lambda: kafka_answers(self.host, self.port),
            command.name,
            _START_TIMEOUT_S,
            check=self._child.require_alive,
        )

    def kill(self) -> None:
        """End it by SIGKILL; `start` brings it back with what it had acknowledged."""
        assert self._child is not None, "was never started"
        process = psutil.Process(self._child.pid)
        process.kill()
        self._child.stop()

    def stop(self) -> None:
        """Shut it down in order."""
        if self._child is not None:
            self._child.stop()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    def _java(self, main: str) -> tuple[str, ...]:
        return (*_JAVA, "-cp", f"{self._jars}{os.sep}*", main)

    def _format(self) -> None:
        # One that begins with a dash would be taken for a flag.
        cluster = base64.urlsafe_b64encode(b"\0" + uuid.uuid4().bytes[1:]).decode().rstrip("=")
        arguments = [*self._java("kafka.tools.StorageTool"), "format", "-t", cluster, "-c", str(self._properties)]
        for user, password in self._passwords.items():
            arguments += ["--add-scram", f"SCRAM-SHA-512=[name={user},password={password}]"]
        subprocess.run(arguments, capture_output=True, check=True, timeout=_START_TIMEOUT_S)
