-- The tutorial's tables, and the table of users that its comment names.
create table if not exists roles (id integer primary key, name text unique);
create table if not exists user_roles (user_id text not null, role_id integer not null, primary key (user_id, role_id));
create index if not exists idx_user_roles_user on user_roles(user_id);
create table if not exists users (id text primary key, email text);
