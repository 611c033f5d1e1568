from __future__ import annotations

from hypothesis import settings

# A loaded machine is not a defect: no example is judged by its duration.
settings.register_profile("messagefoundry", deadline=None)
settings.load_profile("messagefoundry")
