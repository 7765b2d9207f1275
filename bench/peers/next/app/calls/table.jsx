"use client";

import { createColumnHelper, flexRender, getCoreRowModel, useReactTable } from "@tanstack/react-table";
import Link from "next/link";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Select } from "@/components/ui/select";
import { Table, TableBody, TableCell, TableHead, TableHeader, TableRow } from "@/components/ui/table";

const COLOURS = { Completed: "bg-green-600", Voicemail: "bg-blue-600", Busy: "bg-amber-600", Failed: "bg-red-600" };
const column = createColumnHelper();
const two = (first, second) => <><p className="font-medium">{first}</p><p className="text-xs text-muted-foreground">{second}</p></>;
const figure = { className: "text-end tabular-nums" };
const COLUMNS = [
  column.accessor("contact", { header: "Contact", cell: ({ row: { original } }) => two(original.contact, original.phone) }),
  column.accessor("state", { header: "State", cell: ({ getValue }) => <Badge><i className={`size-1.5 rounded-full ${COLOURS[getValue()] ?? "bg-gray-500"}`} />{getValue()}</Badge> }),
  column.accessor("campaign", { header: "Campaign", cell: ({ row: { original } }) => two(original.campaign, original.agent) }),
  column.accessor("attempt", { header: "Attempt", meta: figure }),
  column.accessor("talk", { header: "Talk", meta: figure }),
  column.accessor("cost", { header: "Cost", meta: figure }),
  column.accessor("started", { header: "Started", meta: figure }),
];

export function CallTable({ lines, campaigns, outcomes, page, pages, total }) {
  const table = useReactTable({ data: lines, columns: COLUMNS, getCoreRowModel: getCoreRowModel(), getRowId: ({ id }) => id });
  return (
    <>
      <form className="mb-4 flex flex-wrap gap-2">
        <input type="search" name="search" aria-label="Phone number" placeholder="Phone number, like +1 813" className="h-9 w-64 rounded-md border border-input bg-transparent px-3 text-sm shadow-xs outline-none focus-visible:ring-[3px] focus-visible:ring-ring/50" />
        <Select label="Outcome" options={Object.entries(outcomes).map(([value, text]) => ({ value, text }))} />
        <Select label="Campaign" options={campaigns.map(({ id, name }) => ({ value: id, text: name }))} />
      </form>
      <div className="rounded-lg border">
        <Table aria-label="Calls">
          <TableHeader>
            {table.getHeaderGroups().map((group) => (
              <TableRow key={group.id}>{group.headers.map((head) => <TableHead key={head.id} className={head.column.columnDef.meta?.className}>{flexRender(head.column.columnDef.header, head.getContext())}</TableHead>)}</TableRow>
            ))}
          </TableHeader>
          <TableBody>
            {table.getRowModel().rows.map((row) => (
              <TableRow key={row.id}>{row.getVisibleCells().map((cell) => <TableCell key={cell.id} className={cell.column.columnDef.meta?.className}>{flexRender(cell.column.columnDef.cell, cell.getContext())}</TableCell>)}</TableRow>
            ))}
          </TableBody>
        </Table>
      </div>
      <nav aria-label="Pages" className="mt-4 flex items-center justify-end gap-2 text-sm">
        <span className="me-auto text-muted-foreground">{total} calls, page {page} of {pages}</span>
        {page > 1 && <Button variant="outline" size="sm" asChild><Link prefetch={false} href={`?page=${page - 1}`}>Previous</Link></Button>}
        {page < pages && <Button variant="outline" size="sm" asChild><Link prefetch={false} href={`?page=${page + 1}`}>Next</Link></Button>}
      </nav>
    </>
  );
}
