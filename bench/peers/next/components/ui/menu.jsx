"use client";

import * as Radix from "@radix-ui/react-dropdown-menu";

export function Menu({ trigger, children }) {
  return (
    <Radix.Root>
      <Radix.Trigger asChild>{trigger}</Radix.Trigger>
      <Radix.Portal>
        <Radix.Content sideOffset={4} align="end" className="z-50 min-w-40 overflow-hidden rounded-md border bg-card p-1 shadow-md">{children}</Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

export function MenuItem(props) {
  return <Radix.Item className="flex cursor-default items-center gap-2 rounded-sm px-2 py-1.5 text-sm outline-none select-none data-highlighted:bg-accent" {...props} />;
}
