"use client";

import * as Radix from "@radix-ui/react-tooltip";

export function Tooltip({ text, children }) {
  return (
    <Radix.Provider delayDuration={200}>
      <Radix.Root>
        <Radix.Trigger asChild>{children}</Radix.Trigger>
        <Radix.Portal>
          <Radix.Content sideOffset={4} className="z-50 rounded-md bg-primary px-3 py-1.5 text-xs text-primary-foreground">{text}</Radix.Content>
        </Radix.Portal>
      </Radix.Root>
    </Radix.Provider>
  );
}
