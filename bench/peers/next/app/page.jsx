import { ArrowDown, ArrowUp, Plus } from "lucide-react";
import { Frame } from "@/components/frame";
import { Button } from "@/components/ui/button";
import { Card, CardContent, CardDescription, CardHeader, CardTitle } from "@/components/ui/card";
import { StackedChart } from "@/components/ui/chart";
import { Table, TableBody, TableCell, TableHead, TableHeader, TableRow } from "@/components/ui/table";
import { dashboard, me } from "@/lib/db";
import { count, money, percent } from "@/lib/utils";

export const dynamic = "force-dynamic";
export const metadata = { title: "Dashboard" };

const SERIES = [
  { key: "connected", name: "Connected", colour: "var(--chart-1)" }, { key: "voicemail", name: "Voicemail", colour: "var(--chart-2)" },
  { key: "no_answer", name: "No answer", colour: "var(--chart-3)" }, { key: "busy", name: "Busy", colour: "var(--chart-4)" },
  { key: "failed", name: "Failed", colour: "var(--chart-5)" },
];

function Tile({ name, value, now, before }) {
  const change = before ? ((now - before) / before) * 100 : null;
  const Arrow = change < 0 ? ArrowDown : ArrowUp;
  return (
    <Card className="gap-2 py-4">
      <CardContent className="px-4">
        <p className="text-sm text-muted-foreground">{name}</p>
        <p className="text-2xl font-semibold tabular-nums">{value}</p>
        {change !== null && <p className="flex items-center gap-1 text-xs text-muted-foreground"><Arrow className="size-3" aria-hidden />{Math.abs(change).toFixed(1)}%</p>}
      </CardContent>
    </Card>
  );
}

export default async function Dashboard() {
  const who = await me();
  const { days, totals, earlier, running } = await dashboard(who);
  const funnel = [["Attempted", totals.calls], ["Answered", days.reduce((sum, day) => sum + day.connected + day.voicemail, 0)], ["Connected to a person", totals.connected], ["Talked over 30 s", totals.talked]];
  const per = (sums) => sums.spent / Math.max(1, sums.connected);
  return (
    <Frame me={who} here="/" title="Dashboard" description="How your campaigns performed in the last 30 days, compared with the 30 days before." action={<Button><Plus />New campaign</Button>}>
      <div className="mb-6 grid grid-cols-2 gap-4 lg:grid-cols-3 xl:grid-cols-6">
        <Tile name="Calls" value={count(totals.calls)} now={totals.calls} before={earlier.calls} />
        <Tile name="Connect rate" value={percent(totals.connected, totals.calls)} now={totals.connected / Math.max(1, totals.calls)} before={earlier.connected / Math.max(1, earlier.calls)} />
        <Tile name="Talk time" value={`${count(Math.floor(totals.talk_seconds / 60))} min`} now={totals.talk_seconds} before={earlier.talk_seconds} />
        <Tile name="Spend" value={money(totals.spent)} now={totals.spent} before={earlier.spent} />
        <Tile name="People reached" value={count(totals.reached)} now={totals.reached} before={earlier.reached} />
        <Tile name="Cost per connect" value={money(per(totals))} now={per(totals)} before={per(earlier)} />
      </div>
      <div className="mb-6 grid gap-6 xl:grid-cols-3">
        <Card className="xl:col-span-2">
          <CardHeader><CardTitle>Calls per day</CardTitle><CardDescription>Ended calls, by what happened</CardDescription></CardHeader>
          <CardContent><StackedChart rows={days} series={SERIES} label="Calls per day" /></CardContent>
        </Card>
        <Card>
          <CardHeader><CardTitle>Funnel</CardTitle><CardDescription>From attempt to conversation</CardDescription></CardHeader>
          <CardContent className="flex flex-col gap-6">
            {funnel.map(([name, part]) => (
              <div key={name}>
                <p className="mb-1 flex justify-between text-sm"><span>{name}</span><span className="tabular-nums">{count(part)} · {percent(part, totals.calls)}</span></p>
                <div className="h-5 rounded-md bg-muted"><div className="h-5 rounded-md bg-primary" style={{ width: percent(part, totals.calls) }} /></div>
              </div>
            ))}
          </CardContent>
        </Card>
      </div>
      <Card>
        <CardHeader><CardTitle>Running campaigns</CardTitle></CardHeader>
        <CardContent>
          <Table aria-label="Running campaigns">
            <TableHeader><TableRow><TableHead>Campaign</TableHead><TableHead>Progress</TableHead><TableHead className="text-end">In flight</TableHead><TableHead className="text-end">Connected</TableHead><TableHead className="text-end">Spent</TableHead></TableRow></TableHeader>
            <TableBody>
              {running.map((campaign) => (
                <TableRow key={campaign.id}>
                  <TableCell><p className="font-medium">{campaign.name}</p><p className="text-xs text-muted-foreground">{campaign.agent}</p></TableCell>
                  <TableCell>{percent(campaign.finished, campaign.contacts)}</TableCell>
                  <TableCell className="text-end tabular-nums">{campaign.calling}</TableCell>
                  <TableCell className="text-end tabular-nums">{percent(campaign.connected, campaign.calls)}</TableCell>
                  <TableCell className="text-end tabular-nums">{money(campaign.spent)}</TableCell>
                </TableRow>
              ))}
            </TableBody>
          </Table>
        </CardContent>
      </Card>
    </Frame>
  );
}
