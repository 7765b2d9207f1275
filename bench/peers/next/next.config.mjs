// Nothing but a production build: no pictures to resize, no header that says who serves it.
export default { poweredByHeader: false, turbopack: { root: import.meta.dirname } };
