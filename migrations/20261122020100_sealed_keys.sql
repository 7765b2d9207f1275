-- Keys of gateways, sealed; see services::secrets. What is plain is sealed and removed when the next process starts.
alter table gateways
    add secret_sealed bytea,
    add webhook_secret_sealed bytea,
    alter column auth_token drop not null;
