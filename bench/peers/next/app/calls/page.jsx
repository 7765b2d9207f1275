import { Frame } from "@/components/frame";
import { calls, me } from "@/lib/db";
import { clock, money, moment } from "@/lib/utils";
import { CallTable } from "./table";

export const dynamic = "force-dynamic";
export const metadata = { title: "Calls" };

const WORDS = { completed: "Completed", voicemail: "Voicemail", no_answer: "No answer", busy: "Busy", failed: "Failed", rejected: "Rejected", canceled: "Cancelled", unknown: "Unknown" };
const shown = (phone) => phone.replace(/^\+1(\d{3})(\d{3})(\d{4})$/, "+1 $1 $2 $3");

export default async function Calls({ searchParams }) {
  const page = Math.max(1, Number((await searchParams).page) || 1);
  const who = await me();
  const { total, campaigns, rows, pages } = await calls(who, page);
  const lines = rows.map((call) => ({
    id: call.id,
    contact: call.contact ?? "Unknown caller",
    phone: shown(call.phone) + (call.sandbox ? " · sandbox" : ""),
    state: WORDS[call.outcome] ?? call.status,
    campaign: call.campaign,
    agent: call.agent,
    attempt: call.attempt_no,
    talk: clock(call.talk_seconds),
    cost: money(call.cost ?? 0),
    started: moment(call.created_at, who.zone),
  }));
  return (
    <Frame me={who} here="/calls" title="Calls" description="Every attempt, what came of it and what it cost.">
      <CallTable lines={lines} campaigns={campaigns} outcomes={WORDS} page={page} pages={pages} total={total} />
    </Frame>
  );
}
