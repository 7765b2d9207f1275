import "@fontsource-variable/inter";
import "./globals.css";

export const metadata = { title: { default: "Bench", template: "%s · Bench" } };

export default function Layout({ children }) {
  return (
    <html lang="en" suppressHydrationWarning>
      <head>
        {/* as next-themes does it: before the first paint */}
        <script dangerouslySetInnerHTML={{ __html: "document.documentElement.classList.toggle('dark',localStorage.theme?localStorage.theme==='dark':matchMedia('(prefers-color-scheme: dark)').matches)" }} />
      </head>
      <body className="antialiased">{children}</body>
    </html>
  );
}
