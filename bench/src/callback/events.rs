//! Callbacks as Twilio sends them: 1.3 KB of form, signed with the key of a gateway, each another event.

use anyhow::Result;
use model::id::{CallId, CompanyId, GatewayId};
use providers::twilio::sign;
use services::testing::{Someone, World};

/// Makes them for one gateway.
pub struct Events {
    company: CompanyId,
    gateway: GatewayId,
    token: String,
    public_url: String,
    sent: u64,
}

impl Events {
    pub async fn of(world: &World, acme: &Someone, gateway: GatewayId) -> Result<Self> {
        let token = world.auth_token(acme.company, gateway).await?;
        Ok(Self { company: acme.company, gateway, token, public_url: world.db.config().public_url.clone(), sent: 0 })
    }

    /// What signs them.
    pub fn token(&self) -> &str {
        &self.token
    }

    pub fn gateway(&self) -> GatewayId {
        self.gateway
    }

    /// A form like Twilio's for one event.
    pub fn body(n: u64) -> String {
        let sid = format!("CA{n:032x}");
        let account = "AC0123456789abcdef0123456789abcdef";
        let place =
            "FromCity=NEW+YORK&FromCountry=US&FromState=NY&FromZip=10001&ToCity=NEWARK&ToCountry=US&ToState=NJ&ToZip=07102";
        let head = format!(
            "AccountSid={account}&AnsweredBy=human&ApiVersion=2010-04-01&CallDuration=61&CallSid={sid}&CallStatus=completed\
             &CallbackSource=call-progress-events&Called=%2B12125550100&Caller=%2B12125550199&Direction=outbound-api&Duration=2\
             &From=%2B12125550199&{place}&SequenceNumber=3&SipResponseCode=200&Timestamp=Mon%2C+23+Nov+2026+15%3A00%3A00+%2B0000\
             &To=%2B12125550100&StirVerstat=TN-Validation-Passed-A&StirPassportToken="
        );
        let token = "eyJhbGciOiJFUzI1NiIsInBwdCI6InNoYWtlbiIsInR5cCI6InBhc3Nwb3J0In0".repeat(16);
        format!("{head}{}", &token[..1_300 - head.len()])
    }

    /// So many requests, signed as Twilio signs them, each about another event.
    pub fn requests(&mut self, count: usize) -> Vec<Vec<u8>> {
        let call = CallId::from(self.company.uuid());
        let path = format!("/hooks/twilio/{}?call={call}", self.gateway);
        let url = format!("{}{path}", self.public_url);
        let first = self.sent + 1;
        self.sent += count as u64;
        let mut requests = Vec::with_capacity(count);
        for n in first..=self.sent {
            let body = Self::body(n);
            let signature = sign::signature(&self.token, &url, &sign::decode_form(body.as_bytes()).unwrap_or_default());
            requests.push(
                format!(
                    "POST {path} HTTP/1.1\r\nHost: belfry.test\r\nUser-Agent: TwilioProxy/1.1\r\nAccept: */*\r\n\
                     Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\nX-Twilio-Signature: {signature}\r\n\
                     I-Twilio-Idempotency-Token: 5e3b4f3c-0000-4000-8000-{n:012x}\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                )
                .into_bytes(),
            );
        }
        requests
    }
}
