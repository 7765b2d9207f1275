import { Activity, Bot, ChevronsUpDown, FileUp, LayoutDashboard, Megaphone, Phone, Settings, ShieldOff, Users, UsersRound, Wallet } from "lucide-react";
import Link from "next/link";
import { Profile } from "@/components/profile";
import { Tooltip } from "@/components/ui/tooltip";
import { count } from "@/lib/utils";

const PLACES = [
  ["/", "Dashboard", LayoutDashboard], ["/campaigns", "Campaigns", Megaphone], ["/contacts", "Contacts", Users], ["/imports", "Imports", FileUp],
  ["/agents", "Agents", Bot], ["/calls", "Calls", Phone], ["/suppressions", "Suppressions", ShieldOff], ["/billing", "Billing", Wallet],
  ["/events", "Events", Activity], ["/team", "Team", UsersRound], ["/settings", "Settings", Settings],
];

export function Frame({ me, here, title, description, action, children }) {
  return (
    <div className="flex min-h-svh">
      <aside className="sticky top-0 hidden h-svh w-60 shrink-0 flex-col border-e bg-sidebar md:flex">
        <div className="p-4">
          <p className="text-lg font-semibold">Belfry</p>
          <div className="mt-3 rounded-lg border bg-card p-2 text-sm"><p className="font-medium">{me.company_name}</p><p className="text-xs text-muted-foreground">{me.zone}</p></div>
        </div>
        <nav aria-label="Main" className="flex-1 px-3">
          {PLACES.map(([href, name, Icon]) => (
            // nothing is fetched ahead: most of these pages are not part of the comparison
            <Link key={href} href={href} prefetch={false} aria-current={href === here ? "page" : undefined} className="flex items-center gap-2.5 rounded-md px-2 py-1.5 text-sm hover:bg-accent aria-[current=page]:bg-accent aria-[current=page]:font-medium">
              <Icon className="size-4" aria-hidden />{name}
            </Link>
          ))}
        </nav>
        <div className="m-3 rounded-lg border bg-card p-3 text-sm">
          <Tooltip text="Credits that can be spent"><button type="button" className="text-xs text-muted-foreground">Available minutes</button></Tooltip>
          <p className="font-semibold tabular-nums">{count(Math.floor(me.available / 1000))}</p>
        </div>
        <div className="border-t p-3"><Profile name={me.name} email={me.email} icon={<ChevronsUpDown className="size-4" aria-hidden />} /></div>
      </aside>
      <main className="mx-auto w-full max-w-7xl min-w-0 p-4 md:p-8">
        <header className="mb-6 flex flex-wrap items-start justify-between gap-4">
          <div><h1 className="text-xl font-semibold tracking-tight">{title}</h1><p className="mt-1 text-sm text-muted-foreground">{description}</p></div>
          {action}
        </header>
        {children}
      </main>
    </div>
  );
}
