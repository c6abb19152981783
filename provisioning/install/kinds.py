"""What is installed for a box and what for a centre: user, places, commands, units. Values only."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

KindName = Literal["box", "centre"]


@dataclass(frozen=True, slots=True)
class Kind:
    """One of the two: paths are those of the machine."""

    name: KindName
    user: str
    groups: tuple[str, ...]
    state_dir: str
    config_dir: str
    settings: str
    program: str
    """The command that runs as the service, and that checks the settings."""
    commands: Mapping[str, str]
    """Command to the module whose `main` it calls."""
    extras: tuple[str, ...]
    """Of pyproject.toml: what the wheels must hold beside the program itself."""
    units: Mapping[str, str]
    """A file of `provisioning/units` to its folder on the machine."""

    @property
    def service(self) -> str:
        return f"tallybox-{self.name}.service"


_SYSTEMD: Final = "/etc/systemd/system"
KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "box": Kind(
            name="box",
            user="tallybox",
            groups=("dialout",),
            state_dir="/var/lib/tallybox",
            config_dir="/etc/tallybox",
            settings="box.toml",
            program="edge-agent",
            commands={"edge-agent": "edge_agent.cli", "provision": "provisioning.cli"},
            extras=("box", "provisioning"),
            units={
                "tallybox-box.service": _SYSTEMD,
                "tallybox-stick@.service": _SYSTEMD,
                "90-tallybox-stick.rules": "/etc/udev/rules.d",
            },
        ),
        "centre": Kind(
            name="centre",
            user="tallybox-centre",
            groups=("dialout",),
            state_dir="/var/lib/tallybox-centre",
            config_dir="/etc/tallybox-centre",
            settings="centre.toml",
            program="cloud-server",
            commands={"cloud-server": "cloud_server.cli", "provision": "provisioning.cli"},
            extras=("centre", "provisioning"),
            units={"tallybox-centre.service": _SYSTEMD},
        ),
    }
)
