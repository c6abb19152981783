"""Commissioning at the box: its buses against the plan, each relay with a person's yes, a signed report."""
