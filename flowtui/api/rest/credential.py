"""What a Prefect REST API wants to see of a person: nothing, `user:password`, or an API key."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from flowtui.credentials import Secret
from flowtui.errors import CredentialsError


@dataclass(frozen=True, slots=True)
class Credential:
    """A token and how it is sent: with a colon in it by HTTP Basic, as `prefect server` wants it
    (`PREFECT_SERVER_API_AUTH_STRING`); else as Bearer, as Prefect Cloud wants its API keys."""

    secret: Secret | None
    is_cloud: bool

    @property
    def is_basic(self) -> bool:
        return self.secret is not None and ":" in self.secret.reveal()

    @property
    def word(self) -> str:
        return "user" if self.is_basic else "API key"

    def header(self) -> str:
        """The value of the header `Authorization`."""
        assert self.secret is not None
        if self.is_basic:
            return f"Basic {base64.b64encode(self.secret.reveal().encode()).decode()}"
        return f"Bearer {self.secret.reveal()}"

    def refused(self, where: str) -> CredentialsError:
        """Why a 401 came, as far as it can be told from what was sent."""
        wanted = "an API key" if self.is_cloud else "a user and a password"
        form = "pnu_… or pnb_…" if self.is_cloud else "user:password"
        store = f"store one with `flowtui login` ({form}), or set FLOWTUI_API_KEY"
        if self.secret is None:
            what = f"the control plane asks for {wanted}, and there is none"
            return CredentialsError(what, where=where, fix=store)
        if self.is_cloud and self.is_basic:
            what = "Prefect Cloud wants an API key, and got a user and a password"
            return CredentialsError(what, where=where, fix=store)
        if not self.is_cloud and not self.is_basic:
            what = "this server wants a user and a password, and got something without a colon"
            return CredentialsError(what, where=where, fix=store)
        if self.is_cloud:
            return CredentialsError(
                "Prefect Cloud does not accept this API key: it is wrong, expired or revoked",
                where=where,
                fix="make a new one in Cloud's UI and store it with `flowtui login`",
            )
        return CredentialsError(
            "the control plane does not accept this user and password",
            where=where,
            fix="the server's PREFECT_SERVER_API_AUTH_STRING says which; store them with "
            "`flowtui login`",
        )
