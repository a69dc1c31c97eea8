import os
from pathlib import Path

from closecast_predictor.ray_runtime import local_environment, serve_environment


def test_two_runs_on_one_machine_share_no_file_and_no_port(tmp_path: Path) -> None:
    first, second = local_environment(tmp_path / "a"), local_environment(tmp_path / "b")
    ports = [key for key in first if key.endswith("_PORT") and "DIRECT_INGRESS" not in key]
    files = [key for key, value in first.items() if str(tmp_path) in value]

    assert len(ports) == 4
    assert len(files) == 6
    assert all(first[key] != second[key] for key in ports + files)
    assert first["SERVE_SOCKET_REUSE_PORT_ENABLED"] == "0"


def test_the_middleware_that_ray_is_told_of_exists() -> None:
    module, _, name = serve_environment()["RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH"].rpartition(".")

    assert callable(getattr(__import__(module, fromlist=[name]), name))
    assert os.environ.get("RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH") is None
