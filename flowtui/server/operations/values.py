"""Small stores: secrets, key-value pairs, artifacts."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, select

from flowtui.server.operations.base import (
    Act,
    IdPayload,
    JsonDocument,
    Nothing,
    Refused,
    SuccessPayload,
    Uuid,
    mutation,
    query,
)
from flowtui.server.tables import KeyValue, Secret, TaskRun, TaskRunArtifact


@dataclass(frozen=True)
class SetSecret:
    name: str
    value: JsonDocument
    tenant_id: Uuid | None = None


@dataclass(frozen=True)
class SecretName:
    name: str


def _secret(act: Act, tenant_id: str, name: str) -> Secret | None:
    wanted = select(Secret).where(Secret.tenant_id == tenant_id, Secret.name == name)
    return act.session.scalars(wanted).first()


@mutation
def set_secret(act: Act, wanted: SetSecret) -> SuccessPayload:
    tenant_id = act.tenant_id(wanted.tenant_id)
    secret = _secret(act, tenant_id, wanted.name)
    if secret is None:
        secret = Secret(tenant_id=tenant_id, name=wanted.name)
        act.session.add(secret)
    secret.value = wanted.value
    return SuccessPayload()


@mutation
def delete_secret(act: Act, wanted: SecretName) -> SuccessPayload:
    secret = _secret(act, act.tenant_id(), wanted.name)
    if secret is None:
        raise Refused(f"there is no secret {wanted.name!r}")
    act.session.execute(delete(Secret).where(Secret.id == secret.id))
    return SuccessPayload()


@query
def secret_value(act: Act, wanted: SecretName) -> JsonDocument:
    """Refused for an unknown name, in the words that Prefect 0.15 and 1.x look for: a task would
    go on with null instead of the secret."""
    secret = _secret(act, act.tenant_id(), wanted.name)
    if secret is None:
        raise Refused(f"No value found for the requested key: there is no secret {wanted.name!r}")
    return secret.value


@query
def secret_names(act: Act, wanted: Nothing) -> JsonDocument:
    """Sorted; asked for by `Secret.exists`."""
    mine = select(Secret.name).where(Secret.tenant_id == act.tenant_id()).order_by(Secret.name)
    return list(act.session.scalars(mine))


@dataclass(frozen=True)
class SetKeyValue:
    key: str
    value: JsonDocument
    tenant_id: Uuid | None = None


@dataclass(frozen=True)
class DeleteKeyValue:
    key_value_id: Uuid


@mutation
def set_key_value(act: Act, wanted: SetKeyValue) -> IdPayload:
    tenant_id = act.tenant_id(wanted.tenant_id)
    same = select(KeyValue).where(KeyValue.tenant_id == tenant_id, KeyValue.key == wanted.key)
    pair = act.session.scalars(same).first()
    if pair is None:
        pair = KeyValue(tenant_id=tenant_id, key=wanted.key)
        act.session.add(pair)
    pair.value = wanted.value
    act.session.flush()
    return IdPayload(pair.id)


@mutation
def delete_key_value(act: Act, wanted: DeleteKeyValue) -> SuccessPayload:
    act.delete(KeyValue, wanted.key_value_id)
    return SuccessPayload()


@dataclass(frozen=True)
class CreateArtifact:
    task_run_id: Uuid
    kind: str
    data: JsonDocument
    tenant_id: Uuid | None = None


@dataclass(frozen=True)
class UpdateArtifact:
    task_run_artifact_id: Uuid
    data: JsonDocument


@dataclass(frozen=True)
class DeleteArtifact:
    task_run_artifact_id: Uuid


@mutation
def create_task_run_artifact(act: Act, wanted: CreateArtifact) -> IdPayload:
    run = act.row(TaskRun, wanted.task_run_id)
    artifact = TaskRunArtifact(
        tenant_id=run.tenant_id, task_run_id=run.id, kind=wanted.kind, data=wanted.data
    )
    act.session.add(artifact)
    act.session.flush()
    return IdPayload(artifact.id)


@mutation
def update_task_run_artifact(act: Act, wanted: UpdateArtifact) -> SuccessPayload:
    act.row(TaskRunArtifact, wanted.task_run_artifact_id).data = wanted.data
    return SuccessPayload()


@mutation
def delete_task_run_artifact(act: Act, wanted: DeleteArtifact) -> SuccessPayload:
    act.delete(TaskRunArtifact, wanted.task_run_artifact_id)
    return SuccessPayload()
