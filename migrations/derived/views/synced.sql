-- Every synced row by kind and id, with its rank. It decides the outcome of a delivery.
CREATE VIEW synced AS
SELECT 'user' AS entity, id, deleted, updated_at, event_at, projection, digest FROM users
UNION ALL
SELECT 'organization', id, deleted, updated_at, event_at, projection, digest FROM organizations
UNION ALL
SELECT 'membership', id, deleted, updated_at, event_at, projection, digest FROM memberships
UNION ALL
SELECT 'role', id, deleted, updated_at, event_at, projection, digest FROM org_roles
UNION ALL
SELECT 'permission', id, deleted, updated_at, event_at, projection, digest FROM org_permissions;
