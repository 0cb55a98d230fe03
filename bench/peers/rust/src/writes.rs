//! The two writes of the job as server-side applies. Of an answer only the resourceVersion is read.

use k8s_openapi::jiff::Timestamp;
use kube::{
    Client,
    api::{Patch, PatchParams},
    core::Request,
};
use serde::{Deserialize, Serialize};

use crate::store::{Known, Of, SITUATIONS, TYPES};

#[derive(Deserialize)]
struct Answer {
    metadata: Version,
}
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    resource_version: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Meta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    labels: Option<Labels>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner_references: Option<[Owner<'a>; 1]>,
}
#[derive(Serialize)]
struct Labels {
    #[serde(rename = "app.kubernetes.io/managed-by")]
    managed_by: &'static str,
}
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Owner<'a> {
    api_version: &'static str,
    kind: &'static str,
    name: &'a str,
    uid: &'a str,
    controller: bool,
    block_owner_deletion: bool,
}
#[derive(Serialize)]
struct Config<'a> {
    config: &'a str,
}
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StatusBody<'a> {
    observed_generation: i64,
    #[serde(skip_serializing_if = "str::is_empty")]
    attachment: &'a str,
    conditions: [ConditionBody; 3],
}
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ConditionBody {
    r#type: &'static str,
    status: &'static str,
    reason: &'static str,
    message: &'static str,
    last_transition_time: String,
}
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    api_version: &'static str,
    kind: &'static str,
    metadata: Meta<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    spec: Option<Config<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<StatusBody<'a>>,
}

#[derive(Clone)]
pub struct Writer {
    client: Client,
    parameters: PatchParams,
    children: String,
    networks: String,
    points: String,
}

const BENCH: &str = "bench.knfe.io/v1alpha1";

impl Writer {
    pub fn new(client: Client, namespace: &str) -> Self {
        let path = |group: &str, plural: &str| format!("/apis/{group}/namespaces/{namespace}/{plural}");
        Writer {
            client,
            parameters: PatchParams::apply("bench-r").force(),
            children: path("k8s.cni.cncf.io/v1", "network-attachment-definitions"),
            networks: path(BENCH, "networks"),
            points: path(BENCH, "connectionpoints"),
        }
    }

    fn kind(of: Of) -> &'static str {
        if of == Of::Network { "Network" } else { "ConnectionPoint" }
    }

    async fn send(&self, request: http::Request<Vec<u8>>) -> kube::Result<u64> {
        let mut request = request;
        request.headers_mut().insert(
            http::header::ACCEPT,
            http::HeaderValue::from_static("application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"),
        );
        let answer: Answer = self.client.request(request).await?;
        Ok(answer.metadata.resource_version.parse().unwrap_or(0))
    }

    pub async fn child(&self, of: Of, name: &str, uid: &str, child: &str, config: &str) -> kube::Result<u64> {
        let owner = Owner { api_version: BENCH, kind: Self::kind(of), name, uid, controller: true, block_owner_deletion: true };
        let body = Body {
            api_version: "k8s.cni.cncf.io/v1",
            kind: "NetworkAttachmentDefinition",
            metadata: Meta { name: Some(child), uid: None, labels: Some(Labels { managed_by: "bench" }), owner_references: Some([owner]) },
            spec: Some(Config { config }),
            status: None,
        };
        let request = Request::new(&self.children).patch(child, &self.parameters, &Patch::Apply(&body)).map_err(kube::Error::BuildRequest)?;
        self.send(request).await
    }

    /// The uid keeps it from being the status of a namesake.
    pub async fn status(&self, of: Of, name: &str, uid: &str, wanted: &Known, attachment: &str) -> kube::Result<u64> {
        let situation = &SITUATIONS[usize::from(wanted.situation.unwrap_or(0))];
        let conditions = std::array::from_fn(|i| ConditionBody {
            r#type: TYPES[i],
            status: if situation.truths[i] { "True" } else { "False" },
            reason: situation.reason,
            message: situation.message,
            last_transition_time: Timestamp::from_second(wanted.since[i]).unwrap_or_default().to_string(),
        });
        let body = Body {
            api_version: BENCH,
            kind: Self::kind(of),
            metadata: Meta { name: Some(name), uid: Some(uid), labels: None, owner_references: None },
            spec: None,
            status: Some(StatusBody { observed_generation: wanted.generation, attachment, conditions }),
        };
        let path = if of == Of::Network { &self.networks } else { &self.points };
        let request = Request::new(path)
            .patch_subresource("status", name, &self.parameters, &Patch::Apply(&body))
            .map_err(kube::Error::BuildRequest)?;
        self.send(request).await
    }
}
