"""Courier files for the console. Satisfies `ports.courier.CourierDesk`."""

from cloud_server.flows.centre import Centre
from cloud_server.flows.courier import file_for
from cloud_server.ports.courier import CourierFile
from protocol.courier import write_file
from protocol.ids import Id


class Couriers:
    """Makes courier files; nothing is signed here."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre

    def file_for(self, box: Id) -> CourierFile:
        """What a box lacks. Raises NotFound, NotNow."""
        made = file_for(self._centre, box)
        with self._centre.store.read() as unit:
            row = unit.fleet.box(box)
        commands = [line.raw for line in made.lines if line.type_name == "command"]
        return CourierFile(
            box=box,
            box_name=row.name if row is not None else box,
            name=made.name,
            body=write_file(made.lines),
            command_lines=tuple(commands),
            first=made.first,
            last=made.last,
            more=made.more,
        )
