"""Apache Kafka's jars, fetched once by Maven into the repository's ignored cache."""

import fcntl
import hashlib
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

POM: Final = Path(__file__).with_name("pom.xml")
ROOT: Final = Path(__file__).parents[3]
CACHE: Final = ROOT / ".cache" / "kafka"
_MIN_JAVA: Final = 17
_DOWNLOAD_TIMEOUT_S: Final = 300


class KafkaNotInstallableError(RuntimeError):
    """Java, Maven or the jars are missing."""


def kafka_jars() -> Path:
    """Return the folder of the jars that the pom names; fetch them if this is the first time.

    Raises:
        KafkaNotInstallableError: If Java 17 or Maven is missing, or Maven cannot get the jars.
    """
    _require_java()
    jars = CACHE / hashlib.sha256(POM.read_bytes()).hexdigest()[:12]
    if jars.is_dir():
        return jars
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not jars.is_dir():
            _fetch(jars)
    return jars


def _require_java() -> None:
    if shutil.which("java") is None or shutil.which("mvn") is None:
        raise KafkaNotInstallableError(f"needs Java {_MIN_JAVA}+ and Maven")
    told = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False, timeout=60).stderr
    version = re.search(r'version "(\d+)', told)
    if version is None or int(version.group(1)) < _MIN_JAVA:
        raise KafkaNotInstallableError(f"needs Java {_MIN_JAVA}+ and Maven; this is {told.partition(chr(10))[0]}")


def _fetch(jars: Path) -> None:
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        arguments = ["mvn", "-q", "-B", "-f", str(POM), "dependency:copy-dependencies", "-DincludeScope=runtime"]
        outcome = subprocess.run(
            [*arguments, f"-DoutputDirectory={folder}/jars"],
            capture_output=True,
            text=True,
            check=False,
            timeout=_DOWNLOAD_TIMEOUT_S,
        )
        if outcome.returncode != 0:
            raise KafkaNotInstallableError(f"needs jars that Maven could not get: {outcome.stdout[-500:]}")
        (Path(folder) / "jars").rename(jars)
