"""A register as a person reads it from a display, and the cumulative register that it means. Pure.

A display begins anew at the width of its register; what is charged is the register unwrapped, by box and centre alike.
"""

from protocol.units import Wh


def unwrapped_wh(shown_wh: Wh, charged_wh: Wh, wrap_wh: Wh | None) -> Wh | None:
    """The least register from the last charged one on that shows this number; None where there is none.

    A number that is not below `charged_wh` is taken as it stands: the register has not begun anew since, or whoever
    typed it had the unwrapped one before them. `wrap_wh`: where the register begins anew; None: it never does.
    """
    if shown_wh < 0:
        return None
    if shown_wh >= charged_wh:
        return shown_wh
    if wrap_wh is None or shown_wh >= wrap_wh:
        return None
    return shown_wh + -(-(charged_wh - shown_wh) // wrap_wh) * wrap_wh
