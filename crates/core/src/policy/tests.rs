//! The whole table of roles, acts and places; and the limits to environments.

use super::*;

/// Who may: from which role on, outside production and inside.
const TABLE: [(Act, &str, &str); 24] = [
    (Act::Read, "viewer", "viewer"),
    (Act::Oversee, "viewer", "viewer"),
    (Act::Upload, "developer", "developer"),
    (Act::Register, "developer", "developer"),
    (Act::Draw, "developer", "developer"),
    (Act::Deploy, "developer", "release-manager"),
    (Act::Promote, "developer", "release-manager"),
    (Act::Rollback, "developer", "operator"),
    (Act::Scale, "developer", "operator"),
    (Act::Cancel, "developer", "operator"),
    (Act::Advance, "developer", "release-manager"),
    (Act::Approve, "developer", "developer"),
    (Act::Hold, "operator", "operator"),
    (Act::Unstick, "operator", "operator"),
    (Act::ResetBreaker, "operator", "operator"),
    (Act::Decommission, "developer", "release-manager"),
    (Act::RestoreData, "operator", "release-manager"),
    (Act::Configure, "developer", "release-manager"),
    (Act::Budget, "release-manager", "release-manager"),
    (Act::Audit, "operator", "operator"),
    (Act::Administer, "admin", "admin"),
    (Act::Tokens, "admin", "admin"),
    (Act::MasterKey, "admin", "admin"),
    (Act::BreakGlass, "admin", "admin"),
];

fn place(name: &str, kind: Option<EnvironmentType>) -> Place {
    Place { environment: name.into(), kind }
}

#[test]
fn each_role_may_do_what_the_table_says() {
    use EnvironmentType::{Development, Production, Staging, Testing};
    assert_eq!(TABLE.map(|(act, ..)| act).to_vec(), Act::ALL.to_vec());
    let from = |name: &str| Role::ALL.iter().position(|role| role.name() == name).expect("a role");
    for (act, outside, inside) in TABLE {
        for (rank, role) in Role::ALL.into_iter().enumerate() {
            let actor = Actor::person("ann", role);
            for kind in [Development, Staging, Testing] {
                let may = may(&actor, act, Some(&place("x", Some(kind)))).is_ok();
                assert_eq!(may, rank >= from(outside), "{role} {act:?} in {kind:?}");
            }
            for kind in [Some(Production), None] {
                let may = may(&actor, act, Some(&place("x", kind))).is_ok();
                assert_eq!(may, rank >= from(inside), "{role} {act:?} in {kind:?}");
            }
            assert_eq!(may(&actor, act, None).is_ok(), rank >= from(outside), "{role} {act:?} nowhere");
        }
    }
}

#[test]
fn nobody_without_a_role_may_even_look() {
    let nobody = Actor { roles: std::collections::BTreeSet::new(), ..Actor::person("ann", Role::Viewer) };
    let denied = may(&nobody, Act::Read, None).expect_err("no role");
    assert!(denied.message.contains("ann has no role and may not look: it takes the role viewer"), "{denied}");
}

#[test]
fn a_denial_says_what_it_takes_and_who_gives_it() {
    let developer = Actor::person("bo", Role::Developer);
    let production = place("production", Some(EnvironmentType::Production));
    let denied = may(&developer, Act::Deploy, Some(&production)).expect_err("production");
    assert_eq!(
        denied.message,
        "bo has the role developer and may not deploy in production (of type production): it takes the role \
         release-manager"
    );
    assert_eq!(denied.hint, "an admin gives it: `shipway token create NAME --role release-manager`");
}

#[test]
fn who_is_limited_to_environments_does_nothing_elsewhere() {
    let staging = place("staging", Some(EnvironmentType::Staging));
    let other = place("testing", Some(EnvironmentType::Testing));
    for role in Role::ALL {
        let limited = Actor { environments: vec!["staging".into()], ..Actor::person("cy", role) };
        let free = Actor::person("cy", role);
        for act in Act::ALL {
            assert_eq!(may(&limited, act, Some(&staging)), may(&free, act, Some(&staging)), "{role} {act:?}");
            assert!(may(&limited, act, Some(&other)).is_err(), "{role} {act:?} elsewhere");
            let harmless = matches!(act, Act::Read | Act::Upload | Act::Register);
            let expected = harmless && may(&free, act, None).is_ok();
            assert_eq!(may(&limited, act, None).is_ok(), expected, "{role} {act:?} nowhere");
        }
    }
    let limited = Actor { environments: vec!["staging".into()], ..Actor::person("cy", Role::Admin) };
    let denied = may(&limited, Act::Deploy, Some(&other)).expect_err("another environment");
    assert_eq!(denied.message, "cy acts in staging alone, and may not deploy in testing (of type testing)");
}

#[test]
fn an_actor_of_before_there_were_roles_can_be_read() {
    let old: Actor = serde_json::from_str(r#"{"name":"admin","owner":true}"#).expect("an older record");
    assert_eq!((old.name.as_str(), old.owner, old.role()), ("admin", true, None));
    let words = Role::ALL.map(|role| serde_json::to_value(role).expect("a role"));
    assert_eq!(words, Role::ALL.map(|role| serde_json::json!(role.name())));
}
