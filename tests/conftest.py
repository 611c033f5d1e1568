from __future__ import annotations

import signal

from hypothesis import HealthCheck, settings

# A loaded machine is not a defect: nothing is judged by its duration.
settings.register_profile("messagefoundry", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("messagefoundry")

# A shell starts background jobs with Ctrl-C ignored, and children would inherit that: those that are stopped with it.
signal.signal(signal.SIGINT, signal.default_int_handler)
