"""Who is asking: greeting, tenants, API keys and tokens."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from sqlalchemy import select

from flowtui.server.operations.base import (
    Act,
    Moment,
    Nothing,
    Refused,
    RowOf,
    SuccessPayload,
    Uuid,
    mutation,
    query,
)
from flowtui.server.operations.projects import UNIQUENESS
from flowtui.server.tables import ApiToken, AuthApiKey, Membership, Tenant, User

_ACCESS_TOKEN_LIFE = timedelta(days=1)


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


@query
def hello(act: Act, wanted: Nothing) -> str:
    return "👋"


@dataclass(frozen=True)
class ApiPayload:
    backend: str
    name: str
    version: str


@query
def api(act: Act, wanted: Nothing) -> ApiPayload:
    """What this server is."""
    from flowtui import __version__

    return ApiPayload(backend="SERVER", name="flowtui server", version=__version__)


@dataclass(frozen=True)
class AuthInfoPayload:
    tenant_id: Uuid
    user_id: Uuid
    membership_id: Uuid | None
    api_token_scope: str = "RUNNER"
    """Agents of Prefect 0.9 to 0.15 refuse to start with any other."""
    role: str = "TENANT_ADMIN"


@query
def auth_info(act: Act, wanted: Nothing) -> AuthInfoPayload:
    user = _user(act)
    return AuthInfoPayload(act.tenant_id(), user.id, user.default_membership_id)


def _user(act: Act) -> User:
    return act.session.scalars(select(User).order_by(User.created).limit(1)).one()


@dataclass(frozen=True)
class CreateTenant:
    name: str
    slug: str


@dataclass(frozen=True)
class TenantPayload:
    id: Uuid
    tenant: Annotated[str, RowOf("tenant")]


@mutation
def create_tenant(act: Act, wanted: CreateTenant) -> TenantPayload:
    if not wanted.slug.strip() or not wanted.name.strip():
        raise Refused("a tenant needs a name and a slug")
    if act.session.scalars(select(Tenant.id).where(Tenant.slug == wanted.slug)).first():
        raise Refused(UNIQUENESS)
    tenant = Tenant(name=wanted.name, slug=wanted.slug)
    act.session.add(tenant)
    act.session.flush()
    act.session.add(Membership(user_id=_user(act).id, tenant_id=tenant.id))
    return TenantPayload(tenant.id, tenant.id)


@dataclass(frozen=True)
class SwitchTenant:
    tenant_id: Uuid


@dataclass(frozen=True)
class RefreshToken:
    access_token: str | None = None
    refresh_token: str | None = None


@dataclass(frozen=True)
class AccessPayload:
    access_token: str
    expires_at: Moment
    refresh_token: str
    user_id: Uuid
    tenant_id: Uuid


def _access(act: Act, tenant_id: str) -> AccessPayload:
    """Clients with an API token (0.9 to 0.15) trade it for a short-lived one: they get back
    what they came with."""
    credential = act.caller.credential or "none"
    expires = act.now + _ACCESS_TOKEN_LIFE
    return AccessPayload(credential, expires, credential, _user(act).id, tenant_id)


@mutation
def switch_tenant(act: Act, wanted: SwitchTenant) -> AccessPayload:
    return _access(act, act.row(Tenant, wanted.tenant_id).id)


@mutation
def refresh_token(act: Act, wanted: RefreshToken) -> AccessPayload:
    return _access(act, act.tenant_id())


@dataclass(frozen=True)
class CreateApiKey:
    name: str
    user_id: Uuid | None = None
    expires_at: Moment | None = None


@dataclass(frozen=True)
class KeyPayload:
    id: Uuid
    key: str


@mutation
def create_api_key(act: Act, wanted: CreateApiKey) -> KeyPayload:
    """A key that opens this server beside its own token. It is shown here and never again."""
    key = secrets.token_urlsafe(32)
    row = AuthApiKey(
        user_id=_user(act).id, name=wanted.name, expires_at=wanted.expires_at, digest=digest(key)
    )
    act.session.add(row)
    act.session.flush()
    return KeyPayload(row.id, key)


@dataclass(frozen=True)
class DeleteApiKey:
    key_id: Uuid


@mutation
def delete_api_key(act: Act, wanted: DeleteApiKey) -> SuccessPayload:
    act.delete(AuthApiKey, wanted.key_id)
    return SuccessPayload()


@dataclass(frozen=True)
class CreateApiToken:
    name: str
    scope: str | None = None
    role: str | None = None


@dataclass(frozen=True)
class TokenPayload:
    id: Uuid
    token: str


@mutation
def create_api_token(act: Act, wanted: CreateApiToken) -> TokenPayload:
    """The same for clients before 0.15, which call a key a token."""
    token = secrets.token_urlsafe(32)
    row = ApiToken(
        tenant_id=act.tenant_id(),
        name=wanted.name,
        scope=wanted.scope or wanted.role,
        digest=digest(token),
    )
    act.session.add(row)
    act.session.flush()
    return TokenPayload(row.id, token)


@dataclass(frozen=True)
class DeleteApiToken:
    token_id: Uuid


@mutation
def delete_api_token(act: Act, wanted: DeleteApiToken) -> SuccessPayload:
    act.delete(ApiToken, wanted.token_id)
    return SuccessPayload()


def opens(act: Act, credential: str) -> bool:
    """True for a key or token that was created here and has neither expired nor been revoked."""
    wanted = digest(credential)
    key = act.session.scalars(select(AuthApiKey).where(AuthApiKey.digest == wanted)).first()
    if key:
        return key.expires_at is None or key.expires_at > act.now
    return bool(act.session.scalars(select(ApiToken.id).where(ApiToken.digest == wanted)).first())
