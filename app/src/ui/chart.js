// Draws one chart when it scrolls into view. ECharts itself is fetched only then, once for all charts of the page.
export function attach(element, option) {
  let chart = null;
  let wanted = option;
  let gone = false;
  const seen = new IntersectionObserver(async (entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    seen.disconnect();
    const { mount } = await import("/pkg/charts.js");
    if (!gone) chart = mount(element, wanted);
  });
  seen.observe(element);
  return {
    set(next) {
      wanted = next;
      chart?.set(next);
    },
    dispose() {
      gone = true;
      seen.disconnect();
      chart?.dispose();
    },
  };
}
