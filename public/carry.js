/** A key that stands behind `#key=` goes along with the links that want it, and leaves the address bar at once. */
const key = new URLSearchParams(location.hash.slice(1)).get("key");
if (key !== null) {
  history.replaceState(null, "", location.pathname + location.search);
  for (const link of document.querySelectorAll("a[data-carry]"))
    // Before whatever the press leads to, and not earlier: what a pointer rests on is shown.
    for (const press of ["mousedown", "click"])
      link.addEventListener(press, () => (link.hash = new URLSearchParams({ key }).toString()));
}
document.querySelector("#origin").textContent = location.origin;
