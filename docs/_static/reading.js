// What the theme leaves out for people who use a keyboard or a screen reader.
document.addEventListener("DOMContentLoaded", () => {
  const wide = ".highlight pre, .table-wrapper, .sphx-glr-script-out pre";
  for (const part of document.querySelectorAll(wide)) part.tabIndex = 0;
  for (const cell of document.querySelectorAll("thead th")) {
    if (cell.textContent.trim()) continue;
    const empty = document.createElement("td");
    empty.className = cell.className;
    cell.replaceWith(empty);
  }
  for (const link of document.querySelectorAll(".view-this-page")) {
    link.setAttribute("role", "navigation");
    link.setAttribute("aria-label", "Source of this page");
  }
  for (const cited of document.querySelectorAll(".citation")) {
    cited.setAttribute("role", "listitem");
  }
  for (const caption of document.querySelectorAll(".caption[role=heading]")) {
    caption.setAttribute("aria-level", "2");
  }
  for (const [part, name] of [[".sidebar-drawer", "Pages"], [".toc-drawer", "On this page"]]) {
    document.querySelector(part)?.setAttribute("aria-label", name);
  }
});
