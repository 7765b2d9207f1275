import { cn } from "@/lib/utils";

export function Badge({ className, ...rest }) {
  return <span className={cn("inline-flex w-fit items-center gap-1 rounded-md border px-2 py-0.5 text-xs font-medium", className)} {...rest} />;
}
