"""Alerts: operational events on their way to a human, and the watch that raises some of them."""
