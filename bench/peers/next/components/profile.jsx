"use client";

import { LogOut, Moon, Sun } from "lucide-react";
import { Menu, MenuItem } from "@/components/ui/menu";

function choose(theme) {
  localStorage.theme = theme;
  document.documentElement.classList.toggle("dark", theme === "dark");
}

export function Profile({ name, email, icon }) {
  const trigger = (
    <button type="button" className="flex w-full items-center gap-2 rounded-md p-1 text-start text-sm hover:bg-accent">
      <span className="min-w-0 flex-1"><span className="block truncate font-medium">{name}</span><span className="block truncate text-xs text-muted-foreground">{email}</span></span>{icon}
    </button>
  );
  return (
    <Menu trigger={trigger}>
      <MenuItem onSelect={() => choose("light")}><Sun className="size-4" />Light</MenuItem>
      <MenuItem onSelect={() => choose("dark")}><Moon className="size-4" />Dark</MenuItem>
      <MenuItem><LogOut className="size-4" />Sign out</MenuItem>
    </Menu>
  );
}
