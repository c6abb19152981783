"""ThingsBoard Gateway in an environment of its own: installed, set up for the benchmark's meters, started.

Set up as its documents say, in its own favour where one may choose: one tag of 60 registers a meter, no retries, a
time-out of a second, telemetry in memory.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.bus.theory import BAUD, FIRST_REGISTER, REGISTERS, UNITS

PACKAGE = "thingsboard-gateway==3.8.5"
MODBUS = ("pymodbus==3.9.2", "pyserial", "pyserial-asyncio")
"""What its Modbus connector would install by itself at its first start."""
INSTALL_WITHIN_S = 300
NO_NETWORK = "http://127.0.0.1:9"
"""Its updater asks for newer versions; a benchmark stays on this machine."""


class NotInstalled(RuntimeError):
    """The world's fault: the package could not be had here."""


def install(folder: Path) -> Path:
    """The environment's Python. Raises NotInstalled with what pip said."""
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", PACKAGE, *MODBUS]
    done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_WITHIN_S, check=False)
    if done.returncode != 0:
        raise NotInstalled(f"{' '.join(command[3:])}: {done.stderr.strip()[-600:]}")
    return python


def start(python: Path, folder: Path, tty: Path, mqtt_port: int, period_ms: int) -> "subprocess.Popen[bytes]":
    """The gateway, polling the benchmark's meters on that port."""
    config = folder / "config"
    config.mkdir(parents=True)
    (folder / "logs").mkdir()
    (config / "tb_gateway.json").write_text(json.dumps(_general(mqtt_port)))
    (config / "modbus.json").write_text(json.dumps({"master": {"slaves": [_slave(u, tty, period_ms) for u in UNITS]}}))
    environment = os.environ | {
        "TB_GW_CONFIG_DIR": str(config),
        "http_proxy": NO_NETWORK,
        "https_proxy": NO_NETWORK,
    }
    with (folder / "gateway.log").open("wb") as log:
        command = [str(python), "-c", "from thingsboard_gateway.tb_gateway import main; main()"]
        return subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)


def _general(mqtt_port: int) -> dict[str, object]:
    return {
        "thingsboard": {
            "host": "127.0.0.1",
            "port": mqtt_port,
            "remoteShell": False,
            "remoteConfiguration": False,
            "statistics": {"enable": False, "statsSendPeriodInSeconds": 3_600},
            "security": {"type": "accessToken", "accessToken": "benchmark"},
            "qos": 1,
            "reportStrategy": {"type": "ON_RECEIVED"},
        },
        "storage": {"type": "memory", "read_records_count": 100, "max_records_count": 100_000},
        "grpc": {"enabled": False},
        "connectors": [{"type": "modbus", "name": "bus", "configuration": "modbus.json", "logLevel": "ERROR"}],
    }


def _slave(unit: int, tty: Path, period_ms: int) -> dict[str, object]:
    return {
        "type": "serial", "method": "rtu", "port": str(tty), "baudrate": BAUD, "stopbits": 1, "bytesize": 8,
        "parity": "N", "timeout": 1, "byteOrder": "BIG", "wordOrder": "BIG", "retries": False, "retryOnEmpty": False,
        "retryOnInvalid": False, "pollPeriod": period_ms, "unitId": unit, "deviceName": f"m{unit}",
        "sendDataOnlyOnChange": False, "connectAttemptTimeMs": 500, "connectAttemptCount": 5,
        "waitAfterFailedAttemptsMs": 500, "attributes": [], "attributeUpdates": [], "rpc": [],
        "timeseries": [
            {"tag": "block", "type": "bytes", "functionCode": 3, "objectsCount": REGISTERS, "address": FIRST_REGISTER}
        ],
    }  # fmt: skip
