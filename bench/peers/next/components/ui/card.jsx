import { cn } from "@/lib/utils";

const part = (Tag, look) =>
  function Part({ className, ...rest }) {
    return <Tag className={cn(look, className)} {...rest} />;
  };

export const Card = part("div", "flex flex-col gap-6 rounded-xl border bg-card py-6 shadow-sm");
export const CardHeader = part("div", "grid auto-rows-min items-start gap-1.5 px-6");
export const CardTitle = part("h2", "font-semibold leading-none");
export const CardDescription = part("p", "text-sm text-muted-foreground");
export const CardContent = part("div", "px-6");
