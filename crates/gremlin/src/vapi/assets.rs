//! Files, numbers, and the credential of a SIP trunk.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
};
use serde_json::{Map, Value, json};

use super::{Owner, Refusal, kept, merge, new_id};
use crate::{network::Network, numbers};

pub const NUMBERS: &str = "vapi/numbers";
const FILES: &str = "vapi/files";
const CREDENTIALS: &str = "vapi/credentials";
const NAME_CHARS_MAX: usize = 40;

type Net = State<Arc<Network>>;
type Me = Extension<Owner>;
type Fields = Json<Map<String, Value>>;
type Done = Result<Json<Value>, Refusal>;
type Made = Result<(StatusCode, Json<Value>), Refusal>;

fn keep(network: &Network, me: &str, shelf: &str, id: &str, document: Value) -> Made {
    if network.state().documents.put(me, shelf, id, document.clone()) {
        Ok((StatusCode::CREATED, Json(document)))
    } else {
        Err(Refusal::too_many())
    }
}

/// Takes the form as it is and looks for the file's name; what it says is not kept. It is read at once, which is sooner than at
/// Vapi: the first look still says "processing".
pub async fn upload(State(network): Net, Extension(Owner(me)): Me, headers: HeaderMap, body: axum::body::Bytes) -> Made {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let text = String::from_utf8_lossy(&body);
    let part = text.split("name=\"file\"; filename=\"").nth(1).filter(|_| kind.starts_with("multipart/form-data"));
    let (name, rest) = part.and_then(|part| part.split_once('"')).ok_or_else(|| Refusal::bad("Invalid file"))?;
    let content_type = rest.split("Content-Type: ").nth(1).and_then(|rest| rest.lines().next()).unwrap_or_default();
    let id = new_id(&network, name);
    let mut file = kept(&id, &me);
    let shown: String = name.chars().take(NAME_CHARS_MAX).collect();
    let more = json!({ "object": "file", "status": "processing", "name": shown, "originalName": name,
                       "bytes": body.len(), "mimetype": content_type });
    merge(&mut file, more.as_object().cloned().unwrap_or_default());
    keep(&network, &me, FILES, &id, file)
}

pub async fn file(State(network): Net, Extension(Owner(me)): Me, Path(id): Path<String>) -> Done {
    let mut state = network.state();
    let file = state.documents.get_mut(&me, FILES, &id).ok_or_else(Refusal::missing)?;
    let shown = file.clone();
    file["status"] = "done".into();
    Ok(Json(shown))
}

pub async fn remove_file(State(network): Net, Extension(Owner(me)): Me, Path(id): Path<String>) -> Done {
    network.state().documents.remove(&me, FILES, &id).map(Json).ok_or_else(Refusal::missing)
}

/// Passwords are not shown again.
pub async fn create_credential(State(network): Net, Extension(Owner(me)): Me, Json(fields): Fields) -> Made {
    let has_gateway = fields.get("gateways").is_some_and(|all| all[0]["ip"].is_string());
    if fields.get("provider").is_none_or(|provider| provider != "byo-sip-trunk") || !has_gateway {
        return Err(Refusal::bad("Couldn't validate SIP trunk credential. SIP gateway creation failed."));
    }
    // An inbound gateway is known by its address.
    let is_address = |ip: &str| ip.parse::<std::net::Ipv4Addr>().is_ok();
    let gateway = &fields["gateways"][0];
    if gateway["inboundEnabled"] != false && !gateway["ip"].as_str().is_some_and(is_address) {
        return Err(Refusal::bad("Couldn't validate SIP trunk credential. SIP gateway creation failed."));
    }
    let id = new_id(&network, "credential");
    let mut credential = kept(&id, &me);
    credential["provider"] = "byo-sip-trunk".into();
    keep(&network, &me, CREDENTIALS, &id, credential)
}

pub async fn import_number(State(network): Net, Extension(Owner(me)): Me, Json(fields): Fields) -> Made {
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let number = text("number").filter(|number| numbers::is_e164(number));
    let number = number.ok_or_else(|| Refusal::bad(json!(["number must be a valid phone number in the E.164 format"])))?;
    {
        let state = network.state();
        let known = match text("provider") {
            Some("twilio") => text("twilioAccountSid").is_some() && text("twilioAuthToken").is_some(),
            Some("byo-phone-number") => {
                text("credentialId").is_some_and(|id| state.documents.get(&me, CREDENTIALS, id).is_some())
            }
            _ => false,
        };
        if !known {
            return Err(Refusal::bad("Couldn't Validate Credentials Of The Number's Carrier."));
        }
        if state.documents.list(&me, NUMBERS).any(|(_, one)| one["number"] == number) {
            return Err(Refusal::bad(format!("Existing Phone Number {number} Has Identical `number`.")));
        }
    }
    let id = new_id(&network, number);
    let mut document = kept(&id, &me);
    document["status"] = "active".into();
    merge(&mut document, fields);
    keep(&network, &me, NUMBERS, &id, document)
}

pub async fn update_number(State(network): Net, Extension(Owner(me)): Me, Path(id): Path<String>, Json(fields): Fields) -> Done {
    let mut state = network.state();
    let number = state.documents.get_mut(&me, NUMBERS, &id).ok_or_else(Refusal::missing)?;
    merge(number, fields);
    Ok(Json(number.clone()))
}

/// All on one page.
pub async fn list_numbers(State(network): Net, Extension(Owner(me)): Me) -> Json<Vec<Value>> {
    Json(network.state().documents.list(&me, NUMBERS).map(|(_, number)| number.clone()).collect())
}
