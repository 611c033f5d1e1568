from __future__ import annotations

from hypothesis import HealthCheck, settings

# A loaded machine is not a defect: nothing is judged by its duration.
settings.register_profile("messagefoundry", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("messagefoundry")
