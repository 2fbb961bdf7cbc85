// Files dropped onto the page, and the list of those that are chosen.
"use strict";

function offerDrop(form) {
  const input = form.querySelector("input[type=file]");
  const zone = form.querySelector(".drop");
  const list = form.querySelector(".chosen");
  const button = form.querySelector("button.main");
  const note = form.querySelector("[role=status]");
  const most = Number(form.dataset.mostBytes);
  const mostFiles = Number(form.dataset.mostFiles);

  function size(bytes) {
    return bytes < 1e3 ? `${bytes} B` : bytes < 999.5e3 ? `${Math.round(bytes / 1e3)} kB`
      : `${(bytes / 1e6).toFixed(1)} MB`;
  }

  function showChosen() {
    const files = [...input.files];
    const bytes = files.reduce((sum, file) => sum + file.size, 0);
    list.replaceChildren(...files.slice(0, 8).map((file) => {
      const line = document.createElement("li");
      const name = document.createElement("span");
      const much = document.createElement("span");
      name.textContent = file.name;
      much.textContent = size(file.size);
      much.className = "num quiet";
      line.append(name, much);
      return line;
    }));
    const many = bytes > most || files.length > mostFiles;
    note.textContent = !files.length ? ""
      : bytes > most ? translated("{size} is more than one upload may hold ({limit}).", { size: size(bytes), limit: size(most) })
      : files.length > mostFiles ? translated("One upload may hold {limit} files; these are {count}.", { limit: mostFiles, count: files.length })
      : translated("Files: {count}, {size}", { count: files.length, size: size(bytes) });
    note.classList.toggle("bad", many);
    button.disabled = many;
  }

  input.addEventListener("change", showChosen);
  let depth = 0;
  const hasFiles = (event) => [...(event.dataTransfer?.types || [])].includes("Files");
  document.addEventListener("dragenter", (event) => {
    if (!hasFiles(event)) return;
    depth += 1;
    zone.classList.add("over");
  });
  document.addEventListener("dragleave", () => {
    depth = Math.max(0, depth - 1);
    if (!depth) zone.classList.remove("over");
  });
  document.addEventListener("dragover", (event) => {
    if (hasFiles(event)) event.preventDefault();
  });
  document.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    depth = 0;
    zone.classList.remove("over");
    input.files = event.dataTransfer.files;
    showChosen();
    button.focus();
  });
  showChosen();
}
