-- Only types that SQLite and PostgreSQL share through one driver: TEXT, BIGINT. Times are milliseconds, bodies JSON.

-- What is: read whole at the start, and only written from then on.
CREATE TABLE present (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    scope TEXT NOT NULL,
    position BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (kind, key)
);

-- What was, and is kept: a document's scope and position stay as they were when it was written first.
CREATE TABLE past (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    scope TEXT NOT NULL,
    position BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (kind, key)
);
CREATE INDEX past_by_position ON past (kind, position, key);
-- What lies below a path is found without walking over everything of its kind.
CREATE INDEX past_by_scope ON past (kind, scope, position, key);

-- By what writes are compared: slots, leases, who may carry a deployment.
CREATE TABLE revision (
    key TEXT NOT NULL PRIMARY KEY,
    revision BIGINT NOT NULL
);

CREATE TABLE event (
    seq BIGINT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    deployment TEXT,
    body TEXT NOT NULL
);
CREATE INDEX event_by_deployment ON event (deployment, seq);

CREATE TABLE counter (
    name TEXT NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO counter (name, value) VALUES ('generation', 0);
INSERT INTO counter (name, value) VALUES ('event', 0);

-- Deployments in short: what they are found and counted by. It follows the documents, and is written with them.
CREATE TABLE history (
    id TEXT NOT NULL PRIMARY KEY,
    project TEXT NOT NULL,
    environment TEXT NOT NULL,
    kind TEXT NOT NULL,
    phase TEXT NOT NULL,
    status TEXT NOT NULL,
    actor TEXT NOT NULL,
    cause TEXT NOT NULL,
    created BIGINT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX history_by_project ON history (project, created, id);
CREATE INDEX history_by_environment ON history (project, environment, created, id);
CREATE INDEX history_by_status ON history (project, environment, status, created, id);
CREATE INDEX history_by_status_anywhere ON history (project, status, created, id);
CREATE INDEX history_by_actor ON history (project, actor, created, id);
CREATE INDEX history_by_cause ON history (project, cause, created, id);
CREATE INDEX history_by_kind ON history (project, kind, created, id);
CREATE INDEX history_by_phase ON history (project, phase, created, id);
CREATE TABLE history_service (
    project TEXT NOT NULL,
    service TEXT NOT NULL,
    created BIGINT NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (project, service, created, id)
);
-- What ended deployments sum up to, for each day and each block of days.
CREATE TABLE history_sum (
    project TEXT NOT NULL,
    span TEXT NOT NULL,
    start BIGINT NOT NULL,
    environment TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (project, span, start, environment)
);
