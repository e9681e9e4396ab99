CREATE TABLE schema_version (
    version INTEGER NOT NULL,
    id CHAR(32) NOT NULL,
    created DATETIME NOT NULL,
    updated DATETIME NOT NULL,
    PRIMARY KEY (id)
);
CREATE TABLE tenant (
    name TEXT NOT NULL,
    slug TEXT NOT NULL,
    info JSON NOT NULL,
    settings JSON NOT NULL,
    id CHAR(32) NOT NULL,
    created DATETIME NOT NULL,
    updated DATETIME NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (slug)
);
CREATE TABLE user (
    username TEXT NOT NULL,
    email TEXT,
    default_membership_id CHAR(32),
    id CHAR(32) NOT NULL,
    created DATETIME NOT NULL,
    updated DATETIME NOT NULL,
    PRIMARY KEY (id)
);
CREATE TABLE agent_config (
    name TEXT,
    settings JSON NOT NULL,
    tenant_id CHAR(32) NOT NULL,
    id CHAR(32) NOT NULL,
    created DATETIME NOT NULL,
    updated DATETIME NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE
);
CREATE INDEX ix_agent_config_tenant_id ON agent_config (tenant_id);
CREATE TABLE api_token (
    name TEXT NOT NULL,
    scope TEXT,
    digest TEXT NOT NULL,
    tenant_id CHAR(32) NOT NULL,
    id CHAR(32) NOT NULL,
    created DATETIME NOT NULL,
    updated DATETIME NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (digest),
    FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE
);
CREATE INDEX ix_api_token_tenant_id ON api_token (tenant_id);
CREATE TABLE auth_api_key (
    user_id CHAR(32) NOT NULL,
    name TEXT NOT NULL,
    expires_at DATETIME,
    digest TEXT NOT NULL,
    id CHAR(32) NOT NULL,
    created DATETIME NOT NULL,
    updated DATETIME NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(user_id) REFERENCES user (id) ON DELETE CASCADE,
    UNIQUE (digest)
);
CREATE INDEX ix_auth_api_key_user_id ON auth_api_key (user_id);
CREATE TABLE flow_group (
    name TEXT NOT NULL,
    description TEXT,
    labels JSON,
    run_config JSON,
    schedule JSON,
    default_parameters JSON NOT NULL,
    settings JSON NOT NULL,
    idempotency_key TEXT,
    tenant_id CHAR(32) NOT NULL,
    id CHAR(32) NOT NULL,
    created DATETIME NOT NULL,
    updated DATETIME NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (tenant_id, name),
    FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE
);
CREATE INDEX ix_flow_group_tenant_id ON flow_group (tenant_id);
CREATE TABLE key_value (
    "key" TEXT NOT NULL,
    value JSON,
    tenant_id CHAR(32) NOT NULL,
    id CHAR(32) NOT NULL,
    created DATETIME NOT NULL,
    updated DATETIME NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (tenant_id, "key"),
    FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE
);
CREATE INDEX ix_key_value_tenant_id ON key_value (tenant_id);
CREATE TABLE membership (
    user_id CHAR(32) NOT NULL,
    role TEXT NOT NULL,
    tenant_id CHAR(32) NOT NULL,
    id CHAR(32) NOT NULL,
    created DATETIME NOT NULL,
    updated DATETIME NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(user_id) REFERENCES user (id) ON DELETE CASCADE,
    FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE
);
CREATE INDEX ix_membership_tenant_id ON membership (tenant_id);
CREATE INDEX ix_membership_user_id ON membership (user_id);
CREATE TABLE project (
    name TEXT NOT NULL,
    description TEXT,
    tenant_id CHAR(32) NOT NULL,
    id CHAR(32) NOT NULL,
    created DATETIME NOT NULL,
    updated DATETIME NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (tenant_id, name),
    FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE
);
CREATE INDEX ix_project_tenant_id ON project (tenant_id);
CREATE TABLE secret (
    name TEXT NOT NULL,
    value JSON,
    tenant_id CHAR(32) NOT NULL,
    id CHAR(32) NOT NULL,
    created DATETIME NOT NULL,
    updated DATETIME NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (tenant_id, name),
    FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE
);
CREATE INDEX ix_secret_tenant_id ON secret (tenant_id);
CREATE TABLE task_tag_limit (
    tag TEXT NOT NULL,
    "limit" INTEGER NOT NULL,
    tenant_id CHAR(32) NOT NULL,
    id CHAR(32) NOT NULL,
    created DATETIME NOT NULL,
    updated DATETIME NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (tenant_id, tag),
    FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE
);
CREATE INDEX ix_task_tag_limit_tenant_id ON task_tag_limit (tenant_id);
CREATE TABLE agent (
    agent_config_id CHAR(32),
    name TEXT,
    type TEXT NOT NULL,
    labels JSON NOT NULL,
    core_version TEXT,
    last_queried DATETIME,
    tenant_id CHAR(32) NOT NULL,
    id CHAR(32) NOT NULL,
    created DATETIME NOT NULL,
    updated DATETIME NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(agent_config_id) REFERENCES agent_config (id) ON DELETE SET NULL,
    FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE
);
CREATE INDEX ix_agent_agent_config_id ON agent (agent_config_id);
CREATE INDEX ix_agent_tenant_id ON agent (tenant_id);
CREATE TABLE flow (
    project_id CHAR(32) NOT NULL,
    flow_group_id CHAR(32) NOT NULL,
    version_group_id TEXT NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    description TEXT,
    archived BOOLEAN NOT NULL,
    core_version TEXT,
    is_schedule_active BOOLEAN NOT NULL,
    parameters JSON NOT NULL,
    schedule JSON,
    storage JSON,
    environment JSON,
    run_config JSON,
    serialized_flow JSON,
    tenant_id CHAR(32) NOT NULL,
    id CHAR(32) NOT NULL,
    created DATETIME NOT NULL,
    updated DATETIME NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (flow_group_id, version),
    FOREIGN KEY(project_id) REFERENCES project (id) ON DELETE CASCADE,
    FOREIGN KEY(flow_group_id) REFERENCES flow_group (id) ON DELETE CASCADE,
    FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE
);
CREATE INDEX ix_flow_name ON flow (name);
CREATE INDEX ix_flow_project_name ON flow (project_id, name);
CREATE INDEX ix_flow_tenant_id ON flow (tenant_id);
CREATE TABLE flow_run (
    flow_id CHAR(32) NOT NULL,
    agent_id CHAR(32),
    parameters JSON NOT NULL,
    context JSON NOT NULL,
    labels JSON NOT NULL,
    run_config JSON,
    scheduled_start_time DATETIME,
    auto_scheduled BOOLEAN NOT NULL,
    times_resurrected INTEGER NOT NULL,
    idempotency_key TEXT,
    submitted_by TEXT,
    name TEXT,
    version INTEGER NOT NULL,
    state TEXT NOT NULL,
    state_timestamp DATETIME NOT NULL,
    state_message TEXT,
    state_start_time DATETIME,
    state_result JSON,
    serialized_state JSON,
    start_time DATETIME,
    end_time DATETIME,
    heartbeat DATETIME,
    tenant_id CHAR(32) NOT NULL,
    id CHAR(32) NOT NULL,
    created DATETIME NOT NULL,
    updated DATETIME NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (flow_id, idempotency_key),
    FOREIGN KEY(flow_id) REFERENCES flow (id) ON DELETE CASCADE,
    FOREIGN KEY(agent_id) REFERENCES agent (id) ON DELETE SET NULL,
    FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE
);
CREATE INDEX ix_flow_run_agent_id ON flow_run (agent_id);
CREATE INDEX ix_flow_run_queue ON flow_run (state, state_start_time);
CREATE INDEX ix_flow_run_state ON flow_run (state);
CREATE INDEX ix_flow_run_tenant_id ON flow_run (tenant_id);
CREATE TABLE task (
    flow_id CHAR(32) NOT NULL,
    name TEXT NOT NULL,
    slug TEXT NOT NULL,
    description TEXT,
    type TEXT,
    max_retries INTEGER,
    retry_delay TEXT,
    timeout TEXT,
    "trigger" TEXT,
    cache_key TEXT,
    tags JSON NOT NULL,
    mapped BOOLEAN NOT NULL,
    auto_generated BOOLEAN NOT NULL,
    is_reference_task BOOLEAN NOT NULL,
    is_root_task BOOLEAN NOT NULL,
    is_terminal_task BOOLEAN NOT NULL,
    tenant_id CHAR(32) NOT NULL,
    id CHAR(32) NOT NULL,
    created DATETIME NOT NULL,
    updated DATETIME NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (flow_id, slug),
    FOREIGN KEY(flow_id) REFERENCES flow (id) ON DELETE CASCADE,
    FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE
);
CREATE INDEX ix_task_name ON task (name);
CREATE INDEX ix_task_tenant_id ON task (tenant_id);
CREATE TABLE edge (
    flow_id CHAR(32) NOT NULL,
    upstream_task_id CHAR(32) NOT NULL,
    downstream_task_id CHAR(32) NOT NULL,
    "key" TEXT,
    mapped BOOLEAN NOT NULL,
    tenant_id CHAR(32) NOT NULL,
    id CHAR(32) NOT NULL,
    created DATETIME NOT NULL,
    updated DATETIME NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(flow_id) REFERENCES flow (id) ON DELETE CASCADE,
    FOREIGN KEY(upstream_task_id) REFERENCES task (id) ON DELETE CASCADE,
    FOREIGN KEY(downstream_task_id) REFERENCES task (id) ON DELETE CASCADE,
    FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE
);
CREATE INDEX ix_edge_downstream_task_id ON edge (downstream_task_id);
CREATE INDEX ix_edge_ends ON edge (flow_id, upstream_task_id, downstream_task_id, "key");
CREATE INDEX ix_edge_tenant_id ON edge (tenant_id);
CREATE INDEX ix_edge_upstream_task_id ON edge (upstream_task_id);
CREATE TABLE flow_run_state (
    flow_run_id CHAR(32) NOT NULL,
    timestamp DATETIME NOT NULL,
    version INTEGER NOT NULL,
    state TEXT NOT NULL,
    message TEXT,
    result JSON,
    start_time DATETIME,
    serialized_state JSON,
    tenant_id CHAR(32) NOT NULL,
    id CHAR(32) NOT NULL,
    created DATETIME NOT NULL,
    updated DATETIME NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(flow_run_id) REFERENCES flow_run (id) ON DELETE CASCADE,
    FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE
);
CREATE INDEX ix_flow_run_state_flow_run_id ON flow_run_state (flow_run_id);
CREATE INDEX ix_flow_run_state_tenant_id ON flow_run_state (tenant_id);
CREATE TABLE task_run (
    flow_run_id CHAR(32) NOT NULL,
    task_id CHAR(32) NOT NULL,
    map_index INTEGER NOT NULL,
    cache_key TEXT,
    run_count INTEGER NOT NULL,
    name TEXT,
    version INTEGER NOT NULL,
    state TEXT NOT NULL,
    state_timestamp DATETIME NOT NULL,
    state_message TEXT,
    state_start_time DATETIME,
    state_result JSON,
    serialized_state JSON,
    start_time DATETIME,
    end_time DATETIME,
    heartbeat DATETIME,
    tenant_id CHAR(32) NOT NULL,
    id CHAR(32) NOT NULL,
    created DATETIME NOT NULL,
    updated DATETIME NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (flow_run_id, task_id, map_index),
    FOREIGN KEY(flow_run_id) REFERENCES flow_run (id) ON DELETE CASCADE,
    FOREIGN KEY(task_id) REFERENCES task (id) ON DELETE CASCADE,
    FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE
);
CREATE INDEX ix_task_run_cache_key ON task_run (cache_key);
CREATE INDEX ix_task_run_state ON task_run (state);
CREATE INDEX ix_task_run_task_id ON task_run (task_id);
CREATE INDEX ix_task_run_tenant_id ON task_run (tenant_id);
CREATE TABLE log (
    flow_run_id CHAR(32),
    task_run_id CHAR(32),
    timestamp DATETIME NOT NULL,
    name TEXT,
    level TEXT,
    message TEXT,
    info JSON,
    tenant_id CHAR(32) NOT NULL,
    id CHAR(32) NOT NULL,
    created DATETIME NOT NULL,
    updated DATETIME NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(flow_run_id) REFERENCES flow_run (id) ON DELETE CASCADE,
    FOREIGN KEY(task_run_id) REFERENCES task_run (id) ON DELETE CASCADE,
    FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE
);
CREATE INDEX ix_log_flow_run_time ON log (flow_run_id, timestamp);
CREATE INDEX ix_log_task_run_id ON log (task_run_id);
CREATE INDEX ix_log_tenant_id ON log (tenant_id);
CREATE TABLE task_run_artifact (
    task_run_id CHAR(32) NOT NULL,
    kind TEXT NOT NULL,
    data JSON,
    tenant_id CHAR(32) NOT NULL,
    id CHAR(32) NOT NULL,
    created DATETIME NOT NULL,
    updated DATETIME NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(task_run_id) REFERENCES task_run (id) ON DELETE CASCADE,
    FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE
);
CREATE INDEX ix_task_run_artifact_task_run_id ON task_run_artifact (task_run_id);
CREATE INDEX ix_task_run_artifact_tenant_id ON task_run_artifact (tenant_id);
CREATE TABLE task_run_state (
    task_run_id CHAR(32) NOT NULL,
    timestamp DATETIME NOT NULL,
    version INTEGER NOT NULL,
    state TEXT NOT NULL,
    message TEXT,
    result JSON,
    start_time DATETIME,
    serialized_state JSON,
    tenant_id CHAR(32) NOT NULL,
    id CHAR(32) NOT NULL,
    created DATETIME NOT NULL,
    updated DATETIME NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(task_run_id) REFERENCES task_run (id) ON DELETE CASCADE,
    FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE
);
CREATE INDEX ix_task_run_state_task_run_id ON task_run_state (task_run_id);
CREATE INDEX ix_task_run_state_tenant_id ON task_run_state (tenant_id);
