//! Watches fill the store and wake primaries; up to 32 of them are settled at once, each by at most two writes.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    io::Write,
    time::{Duration, Instant},
};

use futures::{StreamExt, future::BoxFuture, stream, stream::FuturesUnordered};
use k8s_openapi::jiff::Timestamp;
use kube::{
    Api, Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
    runtime::{WatchStreamExt, watcher, watcher::Event},
};

use crate::{
    kinds::{Attachment, ConnectionPoint, Network, Status},
    store::{self, INVALID_CIDR, Key, Known, NETWORK_INVALID, NETWORK_NOT_FOUND, Of, Pending, Primary, READY, SITUATIONS, Store},
    writes::Writer,
};

const WORKERS: usize = 32;
/// How long a write of ours may take to reach the watch before the store is believed again.
const LOST: Duration = Duration::from_secs(10);

enum Told {
    Network(Event<Network>),
    Point(Event<ConnectionPoint>),
    Child(Event<Attachment>),
}

struct Done {
    key: Key,
    child: Option<(u64, u64)>, // version, hash
    status: Option<u64>,
    failed: bool,
}

#[derive(Default)]
struct Work {
    store: Store,
    queue: VecDeque<Key>,
    queued: HashSet<Key>,
    running: HashSet<Key>,
    failures: HashMap<Key, u32>,
    lists: [bool; 3],
    listed: [HashSet<Box<str>>; 3],
}

pub async fn run(kubeconfig: &str, namespace: &str) -> Result<(), Box<dyn std::error::Error>> {
    let mut config = Config::from_custom_kubeconfig(Kubeconfig::read_from(kubeconfig)?, &KubeConfigOptions::default()).await?;
    config.headers.push((http::header::USER_AGENT, http::HeaderValue::from_static("bench-r")));
    let client = Client::try_from(config)?;
    let streaming = || watcher::Config::default().streaming_lists();
    let networks = watcher(Api::<Network>::namespaced(client.clone(), namespace), streaming()).default_backoff();
    let points = watcher(Api::<ConnectionPoint>::namespaced(client.clone(), namespace), streaming()).default_backoff();
    let children = watcher(Api::<Attachment>::namespaced(client.clone(), namespace), streaming()).default_backoff();
    let mut events = stream::select(
        stream::select(networks.map(|event| event.map(Told::Network)), points.map(|event| event.map(Told::Point))).boxed(),
        children.map(|event| event.map(Told::Child)).boxed(),
    );
    let writer = Writer::new(client, namespace);
    let mut work = Work::default();
    let mut runs: FuturesUnordered<BoxFuture<'static, Done>> = FuturesUnordered::new();
    let mut waits: FuturesUnordered<BoxFuture<'static, Key>> = FuturesUnordered::new();
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    let mut synced = false;
    loop {
        tokio::select! {
            biased;
            _ = terminate.recv() => return Ok(()),
            Some(done) = runs.next() => {
                if let Some(wait) = work.finished(&done) {
                    waits.push(Box::pin(async move { tokio::time::sleep(wait).await; done.key }));
                }
            }
            Some(key) = waits.next() => work.wake(key),
            Some(event) = events.next() => match event {
                Ok(event) => work.told(event),
                Err(error) => eprintln!("watch: {error}"),
            },
        }
        if !synced && work.lists.iter().all(|done| *done) {
            synced = true;
            println!("synced");
            std::io::stdout().flush()?;
        }
        while synced && runs.len() < WORKERS {
            let Some(key) = work.queue.pop_front() else { break };
            work.queued.remove(&key);
            if let Some(run) = work.settle(&key, &writer) {
                work.running.insert(key);
                runs.push(run);
            } else if let Some(pending) = work.store.pending.get(&key) {
                let wait = LOST.saturating_sub(pending.at.elapsed()) + Duration::from_millis(1);
                if pending.at.elapsed() > LOST {
                    work.store.pending.remove(&key);
                    work.wake(key);
                } else if work.queue.is_empty() && runs.is_empty() && waits.is_empty() {
                    waits.push(Box::pin(async move { tokio::time::sleep(wait).await; key }));
                }
            }
        }
    }
}

impl Work {
    fn wake(&mut self, key: Key) {
        if !self.running.contains(&key) && self.queued.insert(key.clone()) {
            self.queue.push_back(key);
        } else if self.running.contains(&key) {
            self.queued.insert(key); // looked at again once it is done
        }
    }

    fn finished(&mut self, done: &Done) -> Option<Duration> {
        self.running.remove(&done.key);
        let mut pending = self.store.pending.get(&done.key).copied().unwrap_or(Pending { child: 0, hash: 0, status: 0, at: Instant::now() });
        if let Some((version, hash)) = done.child {
            (pending.child, pending.hash) = (version, hash);
        }
        if let Some(version) = done.status {
            pending.status = version;
        }
        if done.child.is_some() || done.status.is_some() {
            pending.at = Instant::now();
            self.store.pending.insert(done.key.clone(), pending);
        }
        if self.queued.remove(&done.key) || self.shown(&done.key) {
            self.wake(done.key.clone());
        }
        if !done.failed {
            self.failures.remove(&done.key);
            return None;
        }
        let failures = self.failures.entry(done.key.clone()).or_insert(0);
        *failures += 1;
        Some(Duration::from_millis((5u64 << (*failures).min(12)).min(30_000)))
    }

    /// Whether the watches have shown all own writes already.
    fn shown(&self, key: &Key) -> bool {
        let (Some(pending), Some(primary)) = (self.store.pending.get(key), self.store.primary(key)) else { return false };
        pending.child <= self.store.children_seen && pending.status <= primary.version
    }

    fn told(&mut self, told: Told) {
        match told {
            Told::Network(event) => self.network(event),
            Told::Point(event) => self.point(event),
            Told::Child(event) => self.child(event),
        }
    }

    /// A list has begun, or is complete: then what it did not name is gone.
    fn gone(&mut self, which: usize, complete: bool) -> Vec<Box<str>> {
        let listed = std::mem::take(&mut self.listed[which]);
        if !complete || !std::mem::replace(&mut self.lists[which], true) {
            return Vec::new();
        }
        let known: Vec<&Box<str>> = match which {
            0 => self.store.networks.keys().collect(),
            1 => self.store.points.keys().collect(),
            _ => self.store.children.keys().collect(),
        };
        known.into_iter().filter(|name| !listed.contains(*name)).cloned().collect()
    }

    fn wake_points_of(&mut self, network: &str) {
        let names: Vec<Box<str>> = self.store.points_of.get(network).into_iter().flatten().cloned().collect();
        for name in names {
            self.wake((Of::Point, name));
        }
    }

    fn network(&mut self, event: Event<Network>) {
        match event {
            Event::Apply(object) => self.put_network(&object),
            Event::InitApply(object) => {
                if self.lists[0] {
                    self.listed[0].insert(store::name(&object.metadata).into());
                }
                self.put_network(&object);
            }
            Event::Delete(object) => self.drop_network(store::name(&object.metadata)),
            Event::Init => drop(self.gone(0, false)),
            Event::InitDone => self.gone(0, true).iter().for_each(|name| self.drop_network(name)),
        }
    }

    fn put_network(&mut self, object: &Network) {
        let name = store::name(&object.metadata);
        let next = primary(Of::Network, &object.metadata, &object.status, &object.spec.cidr, "", object.spec.mtu);
        let moved = self.store.networks.get(name).is_none_or(|before| before.generation != next.generation || before.uid != next.uid);
        self.store.networks.insert(name.into(), next);
        self.wake((Of::Network, name.into()));
        if moved {
            self.wake_points_of(name);
        }
    }

    fn drop_network(&mut self, name: &str) {
        self.store.networks.remove(name);
        self.store.pending.remove(&(Of::Network, name.into()));
        self.wake_points_of(name);
    }

    fn point(&mut self, event: Event<ConnectionPoint>) {
        match event {
            Event::Apply(object) => self.put_point(&object),
            Event::InitApply(object) => {
                if self.lists[1] {
                    self.listed[1].insert(store::name(&object.metadata).into());
                }
                self.put_point(&object);
            }
            Event::Delete(object) => self.drop_point(store::name(&object.metadata)),
            Event::Init => drop(self.gone(1, false)),
            Event::InitDone => self.gone(1, true).iter().for_each(|name| self.drop_point(name)),
        }
    }

    fn put_point(&mut self, object: &ConnectionPoint) {
        let name = store::name(&object.metadata);
        let next = primary(Of::Point, &object.metadata, &object.status, &object.spec.network, &object.spec.interface, 0);
        self.leave_network(name, Some(&object.spec.network));
        if !self.store.points.get(name).is_some_and(|before| before.a == next.a) {
            self.store.points_of.entry(next.a.clone()).or_default().insert(name.into());
        }
        self.store.points.insert(name.into(), next);
        self.wake((Of::Point, name.into()));
    }

    fn leave_network(&mut self, name: &str, unless: Option<&str>) {
        let Some(before) = self.store.points.get(name) else { return };
        if Some(&*before.a) == unless {
            return;
        }
        if let Some(all) = self.store.points_of.get_mut(&before.a) {
            all.remove(name);
        }
    }

    fn drop_point(&mut self, name: &str) {
        self.leave_network(name, None);
        self.store.points.remove(name);
        self.store.pending.remove(&(Of::Point, name.into()));
    }

    fn child(&mut self, event: Event<Attachment>) {
        match event {
            Event::Apply(object) => {
                self.store.children_seen = self.store.children_seen.max(store::version(&object.metadata));
                self.put_child(&object);
            }
            Event::InitApply(object) => {
                if self.lists[2] {
                    self.listed[2].insert(store::name(&object.metadata).into());
                }
                self.put_child(&object);
            }
            Event::Delete(object) => {
                self.store.children_seen = self.store.children_seen.max(store::version(&object.metadata));
                let (_, owners) = store::child(&object);
                self.drop_child(store::name(&object.metadata));
                owners.into_iter().for_each(|key| self.wake(key));
            }
            Event::Init => drop(self.gone(2, false)),
            Event::InitDone => {
                self.gone(2, true).iter().for_each(|name| self.drop_child(name));
                self.store.pending.clear();
                let keys = self.store.networks.keys().map(|name| (Of::Network, name.clone()));
                let keys: Vec<Key> = keys.chain(self.store.points.keys().map(|name| (Of::Point, name.clone()))).collect();
                keys.into_iter().for_each(|key| self.wake(key));
            }
        }
    }

    fn put_child(&mut self, object: &Attachment) {
        let (child, owners) = store::child(object);
        let before = self.store.children.insert(store::name(&object.metadata).into(), child);
        let known_owner = !owners.is_empty();
        owners.into_iter().for_each(|key| self.wake(key));
        if !known_owner && before.is_some() {
            // Its owner reference was taken away: whose it is follows from its name only.
            self.wake_owner_by_uid(store::name(&object.metadata));
        }
    }

    fn drop_child(&mut self, name: &str) {
        self.store.children.remove(name);
    }

    fn wake_owner_by_uid(&mut self, child: &str) {
        let Some((prefix, uid)) = child.split_once('-') else { return };
        let (of, all) = if prefix == "net" { (Of::Network, &self.store.networks) } else { (Of::Point, &self.store.points) };
        let found = all.iter().find(|(_, primary)| &*primary.uid == uid).map(|(name, _)| (of, name.clone()));
        found.into_iter().for_each(|key| self.wake(key));
    }

    /// What is to be written for a primary now; nothing if all is as wanted, or own writes are still to be seen.
    fn settle(&self, key: &Key, writer: &Writer) -> Option<BoxFuture<'static, Done>> {
        let primary = self.store.primary(key)?;
        if primary.deleting {
            return None;
        }
        let pending = self.store.pending.get(key);
        if pending.is_some_and(|own| own.child > self.store.children_seen || own.status > primary.version) {
            return None;
        }
        let network = if key.0 == Of::Network { Some(primary) } else { self.store.networks.get(&primary.a) };
        let situation = match network {
            None => NETWORK_NOT_FOUND,
            Some(network) if !store::valid_cidr(&network.a) => if key.0 == Of::Network { INVALID_CIDR } else { NETWORK_INVALID },
            Some(_) => READY,
        };
        let child = store::child_name(key.0, &primary.uid);
        let live = self.store.children.get(child.as_str());
        let mut config = None;
        if let (READY, Some(network)) = (situation, network) {
            let name: &str = if key.0 == Of::Network { &key.1 } else { &primary.a };
            let dot = if key.0 == Of::Network { "" } else { "." };
            let text = format!(
                r#"{{"cniVersion":"1.0.0","name":"{name}{dot}{}","type":"bridge","mtu":{},"ipam":{{"type":"static","subnet":"{}"}}}}"#,
                primary.b, network.mtu, network.a
            );
            let hash = store::hash(&text, true, &primary.uid, true);
            if !live.is_some_and(|live| live.deleting || live.hash == hash) {
                config = Some((text, hash));
            }
        }
        let attached = live.is_some() || config.is_some();
        let known = &primary.known;
        let mut wanted = Known { generation: primary.generation, situation: Some(situation as u8), attached, ..*known };
        let same = known.generation == wanted.generation && known.situation == wanted.situation && known.attached == attached;
        if same && config.is_none() {
            return None;
        }
        let now = Timestamp::now().as_second();
        for i in 0..3 {
            if known.truths[i] != Some(SITUATIONS[situation].truths[i]) {
                wanted.since[i] = now;
            }
        }
        let (key, writer, uid) = (key.clone(), writer.clone(), primary.uid.clone());
        Some(Box::pin(async move {
            let mut done = Done { key, child: None, status: None, failed: true };
            if let Some((text, hash)) = &config {
                match writer.child(done.key.0, &done.key.1, &uid, &child, text).await {
                    Ok(version) => done.child = Some((version, *hash)),
                    Err(error) => {
                        eprintln!("child of {}: {error}", done.key.1);
                        return done;
                    }
                }
            }
            if !same {
                match writer.status(done.key.0, &done.key.1, &uid, &wanted, if attached { &child } else { "" }).await {
                    Ok(version) => done.status = Some(version),
                    Err(error) => {
                        eprintln!("status of {}: {error}", done.key.1);
                        return done;
                    }
                }
            }
            done.failed = false;
            done
        }))
    }
}

fn primary(of: Of, meta: &kube::core::ObjectMeta, status: &Status, a: &str, b: &str, mtu: i32) -> Primary {
    let uid: Box<str> = meta.uid.as_deref().unwrap_or_default().into();
    let known = store::known(status, &store::child_name(of, &uid));
    Primary {
        version: store::version(meta),
        generation: meta.generation.unwrap_or(0),
        deleting: meta.deletion_timestamp.is_some(),
        a: a.into(),
        b: b.into(),
        mtu,
        known,
        uid,
    }
}
