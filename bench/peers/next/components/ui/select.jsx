"use client";

import * as Radix from "@radix-ui/react-select";
import { Check, ChevronDown } from "lucide-react";

export function Select({ label, options, ...rest }) {
  return (
    <Radix.Root {...rest}>
      <Radix.Trigger aria-label={label} className="flex h-9 w-fit items-center justify-between gap-2 rounded-md border border-input bg-transparent px-3 py-2 text-sm shadow-xs outline-none focus-visible:ring-[3px] focus-visible:ring-ring/50">
        <Radix.Value placeholder={label} />
        <Radix.Icon><ChevronDown className="size-4 opacity-50" /></Radix.Icon>
      </Radix.Trigger>
      <Radix.Portal>
        <Radix.Content position="popper" className="z-50 max-h-80 min-w-32 overflow-hidden rounded-md border bg-card shadow-md">
          <Radix.Viewport className="p-1">
            {options.map(({ value, text }) => (
              <Radix.Item key={value} value={value} className="relative flex items-center rounded-sm py-1.5 pe-8 ps-2 text-sm outline-none select-none data-highlighted:bg-accent">
                <Radix.ItemText>{text}</Radix.ItemText>
                <Radix.ItemIndicator className="absolute end-2"><Check className="size-4" /></Radix.ItemIndicator>
              </Radix.Item>
            ))}
          </Radix.Viewport>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
