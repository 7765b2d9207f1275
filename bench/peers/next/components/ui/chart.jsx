"use client";

import { Area, AreaChart, CartesianGrid, ResponsiveContainer, Tooltip, XAxis, YAxis } from "recharts";

/** Layers on top of each other, the first at the bottom. */
export function StackedChart({ rows, series, label }) {
  return (
    <figure aria-label={label}>
      <ul className="mb-4 flex flex-wrap gap-4 text-sm">
        {series.map(({ key, name, colour }) => (
          <li key={key} className="flex items-center gap-1.5"><i className="size-2 rounded-[2px]" style={{ background: colour }} />{name}</li>
        ))}
      </ul>
      <div className="h-[300px] w-full text-xs">
        <ResponsiveContainer width="100%" height="100%">
          <AreaChart data={rows} accessibilityLayer={false}>
            <CartesianGrid vertical={false} stroke="var(--border)" />
            <XAxis dataKey="label" tickLine={false} axisLine={false} tickMargin={8} minTickGap={32} />
            <YAxis width={40} tickLine={false} axisLine={false} />
            <Tooltip contentStyle={{ background: "var(--card)", borderColor: "var(--border)", borderRadius: 8 }} />
            {series.map(({ key, name, colour }) => (
              <Area key={key} dataKey={key} name={name} type="linear" stackId="all" stroke={colour} fill={colour} fillOpacity={0.6} isAnimationActive={false} />
            ))}
          </AreaChart>
        </ResponsiveContainer>
      </div>
    </figure>
  );
}
