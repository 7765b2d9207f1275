import { cn } from "@/lib/utils";

const part = (Tag, look) =>
  function Part({ className, ...rest }) {
    return <Tag className={cn(look, className)} {...rest} />;
  };

export function Table({ className, ...rest }) {
  return (
    <div className="relative w-full overflow-x-auto" tabIndex={0} role="region" aria-label={rest["aria-label"]}>
      <table className={cn("w-full caption-bottom text-sm", className)} {...rest} />
    </div>
  );
}

export const TableHeader = part("thead", "[&_tr]:border-b");
export const TableBody = part("tbody", "[&_tr:last-child]:border-0");
export const TableRow = part("tr", "border-b transition-colors hover:bg-muted/50");
export const TableHead = part("th", "h-10 whitespace-nowrap px-2 text-start align-middle font-medium");
export const TableCell = part("td", "whitespace-nowrap p-2 align-middle");
