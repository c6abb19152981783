"""Draws the box's state machine from its own table: `python -m tests.edge_agent.core.drawing` writes the page."""

from pathlib import Path

from edge_agent.core.supply import RULES

PAGE = Path(__file__).parents[3] / "docs" / "supply-rules.md"


def draw() -> str:
    """The page: the table of rules and its picture, both from `RULES`."""
    latch = {"none": "", "arrears": "arrears", "overload": "overload"}
    rows = "\n".join(
        f"| {rule.number} | {rule.says} | {rule.wanted} | `{rule.cause}` | {latch[rule.latches]} |" for rule in RULES
    )
    arrows = []
    for index, rule in enumerate(RULES):
        node, answer = f"r{index}", f"a{index}"
        shape = "([closed])" if rule.wanted == "closed" else "[[open]]"
        arrows.append(f'    {node}{{"{rule.number}: {rule.says}?"}} -- yes --> {answer}{shape}')
        if index + 1 < len(RULES):
            arrows.append(f"    {node} -- no --> r{index + 1}")
    picture = "\n".join(arrows)
    return f"""# What a relay should be, and why

Drawn from `RULES` in `edge_agent/core/supply.py` by `python -m tests.edge_agent.core.drawing`; a test holds the two
together. The first rule that applies counts. It is asked again at every reading and every second, so the right state
comes about whatever was lost on the way.

| rule | applies when | relay | cause | latches |
| --- | --- | --- | --- | --- |
{rows}

```mermaid
flowchart TD
{picture}
```

What each input means stands at `SupplyInputs`; when a relay is really written, and when it has to wait, in
`edge_agent/core/relay.py`.
"""


if __name__ == "__main__":
    PAGE.write_text(draw(), encoding="utf-8")
