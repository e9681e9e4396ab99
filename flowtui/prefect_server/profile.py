"""The profile of a server of ours: kept when it is ready, for the app and every other command."""

from __future__ import annotations

from flowtui.config import EMBEDDED_PROFILE, load_user, save_profile, set_active
from flowtui.models import Origin, Profile


def keep_profile(name: str, api_url: str) -> bool:
    """Keep the address under this name, and use it unless another control plane was chosen.

    True when it is the one in use now. Raises UsageError. Blocking.
    """
    user = load_user()
    known = user.profiles.get(name)
    if known is None or known.api_url != api_url:
        save_profile(Profile(name, api_url, Origin.USER_FILE))
    if user.active not in (None, EMBEDDED_PROFILE, name):
        return False
    if user.active != name:
        set_active(name)
    return True
