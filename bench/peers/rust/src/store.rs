//! What is known: of each object just what decides. Of a child one hash is kept, of a status which of the known ones it is.

use std::{
    collections::{HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
    net::IpAddr,
};

use k8s_openapi::{apimachinery::pkg::apis::meta::v1::ObjectMeta, jiff::Timestamp};

use crate::kinds::{Attachment, Status};

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Of {
    Network,
    Point,
}

pub type Key = (Of, Box<str>);

/// A row of the job's table: the three conditions, their reason and message.
pub struct Situation {
    pub truths: [bool; 3],
    pub reason: &'static str,
    pub message: &'static str,
}

pub const TYPES: [&str; 3] = ["Ready", "Reconciling", "Stalled"];
pub const READY: usize = 0;
pub const INVALID_CIDR: usize = 1;
pub const NETWORK_NOT_FOUND: usize = 2;
pub const NETWORK_INVALID: usize = 3;
pub const SITUATIONS: [Situation; 4] = [
    Situation { truths: [true, false, false], reason: "Ready", message: "The attachment is as wanted." },
    Situation { truths: [false, false, true], reason: "InvalidCIDR", message: "spec.cidr is not an IP prefix; write one, such as 10.0.0.0/24." },
    Situation { truths: [false, true, false], reason: "NetworkNotFound", message: "There is no such Network; create it." },
    Situation { truths: [false, true, false], reason: "NetworkInvalid", message: "The Network's spec.cidr is not an IP prefix; mend the Network." },
];

/// A status, if it says exactly what a situation says; else what is needed to write over it.
#[derive(Clone, Copy, Default)]
pub struct Known {
    pub generation: i64,
    pub situation: Option<u8>,
    pub attached: bool, // to the child's name; anything else counts as another situation
    pub truths: [Option<bool>; 3],
    pub since: [i64; 3],
}

pub struct Primary {
    pub uid: Box<str>,
    pub version: u64,
    pub generation: i64,
    pub deleting: bool,
    pub a: Box<str>, // a Network's cidr, a ConnectionPoint's Network
    pub b: Box<str>, // a ConnectionPoint's interface
    pub mtu: i32,
    pub known: Known,
}

pub struct Child {
    pub hash: u64, // of config, label and owner
    pub deleting: bool,
}

/// Own writes that the watches have not shown yet.
#[derive(Clone, Copy)]
pub struct Pending {
    pub child: u64,
    pub hash: u64,
    pub status: u64,
    pub at: std::time::Instant,
}

#[derive(Default)]
pub struct Store {
    pub networks: HashMap<Box<str>, Primary>,
    pub points: HashMap<Box<str>, Primary>,
    pub points_of: HashMap<Box<str>, HashSet<Box<str>>>,
    pub children: HashMap<Box<str>, Child>,
    pub children_seen: u64,
    pub pending: HashMap<Key, Pending>,
}

pub fn version(meta: &ObjectMeta) -> u64 {
    meta.resource_version.as_deref().and_then(|text| text.parse().ok()).unwrap_or(0)
}

pub fn name(meta: &ObjectMeta) -> &str {
    meta.name.as_deref().unwrap_or_default()
}

pub fn child_name(of: Of, uid: &str) -> String {
    format!("{}{uid}", if of == Of::Network { "net-" } else { "cp-" })
}

pub fn hash(config: &str, label: bool, owner: &str, controls: bool) -> u64 {
    let mut hasher = DefaultHasher::new();
    (config, label, owner, controls).hash(&mut hasher);
    hasher.finish()
}

impl Store {
    pub fn primary(&self, key: &Key) -> Option<&Primary> {
        match key.0 {
            Of::Network => self.networks.get(&key.1),
            Of::Point => self.points.get(&key.1),
        }
    }
}

/// The child as it is, and the primaries that it says own it.
pub fn child(object: &Attachment) -> (Child, Vec<Key>) {
    let meta = &object.metadata;
    let label = meta.labels.as_ref().and_then(|all| all.get("app.kubernetes.io/managed-by")).is_some_and(|value| value == "bench");
    let mut owners = Vec::new();
    let (mut uid, mut controls) = ("", false);
    let wanted = name(meta).split_once('-').map_or("", |(_, rest)| rest);
    for owner in meta.owner_references.iter().flatten() {
        match owner.kind.as_str() {
            "Network" => owners.push((Of::Network, owner.name.as_str().into())),
            "ConnectionPoint" => owners.push((Of::Point, owner.name.as_str().into())),
            _ => {}
        }
        if owner.uid == wanted {
            uid = &owner.uid;
            controls = owner.controller == Some(true) && owner.block_owner_deletion == Some(true);
        }
    }
    let hash = hash(&object.spec.config, label, uid, controls);
    (Child { hash, deleting: meta.deletion_timestamp.is_some() }, owners)
}

pub fn known(status: &Status, child_name: &str) -> Known {
    let mut out = Known { generation: status.observed_generation, attached: status.attachment == child_name, ..Default::default() };
    let mut same = [true; 4];
    for (i, kind) in TYPES.iter().enumerate() {
        let Some(found) = status.conditions.iter().find(|each| each.r#type == *kind) else {
            same = [false; 4];
            continue;
        };
        out.truths[i] = match found.status.as_str() {
            "True" => Some(true),
            "False" => Some(false),
            _ => None,
        };
        out.since[i] = found.last_transition_time.parse::<Timestamp>().map_or(0, |at| at.as_second());
        for (each, situation) in same.iter_mut().zip(&SITUATIONS) {
            *each = *each && out.truths[i] == Some(situation.truths[i]) && found.reason == situation.reason && found.message == situation.message;
        }
    }
    if out.attached || status.attachment.is_empty() {
        out.situation = same.iter().position(|each| *each).map(|i| i as u8);
    }
    out
}

pub fn valid_cidr(cidr: &str) -> bool {
    let Some((address, length)) = cidr.split_once('/') else { return false };
    let Ok(address) = address.parse::<IpAddr>() else { return false };
    let most = if address.is_ipv4() { 32 } else { 128 };
    length.parse::<u8>().is_ok_and(|number| number <= most && number.to_string() == length)
}
