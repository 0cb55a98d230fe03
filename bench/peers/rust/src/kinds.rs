//! The three kinds, as far as they are read: what nobody looks at (managedFields, annotations) is skipped while parsing.

use std::borrow::Cow;

use k8s_openapi::{
    NamespaceResourceScope,
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference},
};
use kube::Resource;
use serde::{Deserialize, Deserializer};

/// Metadata as the API server sends it, without what is not needed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SlimMeta {
    name: Option<String>,
    namespace: Option<String>,
    uid: Option<String>,
    resource_version: Option<String>,
    generation: Option<i64>,
    deletion_timestamp: Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::Time>,
    labels: Option<std::collections::BTreeMap<String, String>>,
    owner_references: Option<Vec<OwnerReference>>,
    annotations: Option<std::collections::BTreeMap<String, String>>,
}

fn slim<'de, D: Deserializer<'de>>(from: D) -> Result<ObjectMeta, D::Error> {
    let slim = SlimMeta::deserialize(from)?;
    Ok(ObjectMeta {
        name: slim.name,
        namespace: slim.namespace,
        uid: slim.uid,
        resource_version: slim.resource_version,
        generation: slim.generation,
        deletion_timestamp: slim.deletion_timestamp,
        labels: slim.labels,
        owner_references: slim.owner_references,
        annotations: slim.annotations,
        ..Default::default()
    })
}

#[derive(Deserialize, Clone, Debug, Default)]
#[serde(default, rename_all = "camelCase")]
pub struct Condition {
    pub r#type: String,
    pub status: String,
    pub reason: String,
    pub message: String,
    pub last_transition_time: String,
}

#[derive(Deserialize, Clone, Debug, Default)]
#[serde(default, rename_all = "camelCase")]
pub struct Status {
    pub observed_generation: i64,
    pub attachment: String,
    pub conditions: Vec<Condition>,
}

#[derive(Deserialize, Clone, Debug, Default)]
#[serde(default)]
pub struct NetworkSpec {
    pub cidr: String,
    pub mtu: i32,
}

#[derive(Deserialize, Clone, Debug, Default)]
#[serde(default)]
pub struct PointSpec {
    pub network: String,
    pub interface: String,
}

#[derive(Deserialize, Clone, Debug, Default)]
#[serde(default)]
pub struct ChildSpec {
    pub config: String,
}

macro_rules! kind {
    ($name:ident, $spec:ty, $group:literal, $version:literal, $kind:literal, $plural:literal) => {
        #[derive(Deserialize, Clone, Debug)]
        pub struct $name {
            #[serde(deserialize_with = "slim")]
            pub metadata: ObjectMeta,
            #[serde(default)]
            pub spec: $spec,
            #[serde(default)]
            #[allow(dead_code)] // of children nobody reads it
            pub status: Status,
        }

        impl Resource for $name {
            type DynamicType = ();
            type Scope = NamespaceResourceScope;
            fn kind(_: &()) -> Cow<'_, str> {
                $kind.into()
            }
            fn group(_: &()) -> Cow<'_, str> {
                $group.into()
            }
            fn version(_: &()) -> Cow<'_, str> {
                $version.into()
            }
            fn plural(_: &()) -> Cow<'_, str> {
                $plural.into()
            }
            fn meta(&self) -> &ObjectMeta {
                &self.metadata
            }
            fn meta_mut(&mut self) -> &mut ObjectMeta {
                &mut self.metadata
            }
        }
    };
}

kind!(Network, NetworkSpec, "bench.knfe.io", "v1alpha1", "Network", "networks");
kind!(ConnectionPoint, PointSpec, "bench.knfe.io", "v1alpha1", "ConnectionPoint", "connectionpoints");
kind!(
    Attachment,
    ChildSpec,
    "k8s.cni.cncf.io",
    "v1",
    "NetworkAttachmentDefinition",
    "network-attachment-definitions"
);
