// Plays named scenes in order, in one editor. Each failure is told with a screenshot; the others are played all the same.

async function play(editor, scenes) {
  let failed = 0;
  for (const [name, scene] of Object.entries(scenes)) {
    const began = Date.now();
    try {
      await scene();
      console.log(`ok      ${name}  (${((Date.now() - began) / 1000).toFixed(1)} s)`);
    } catch (error) {
      ++failed;
      console.log(`FAILED  ${name}: ${error.stack ?? error}`);
      await editor.screenshot(`failed-${name.replaceAll(/\W+/g, '-')}`).catch(() => {});
    }
    // Whatever menu or question is left must not catch the next scene's keys.
    for (let i = 0; i < 2; ++i) await editor.press('Escape');
  }
  return failed;
}

// Opens the editor, plays, closes everything. The exit code.
export async function playIn(editor, scenes, afterwards) {
  let failed = 1;
  try {
    await editor.open();
    failed = await play(editor, scenes);
  } finally {
    await editor.close();
    await afterwards?.();
    if (failed === 0) editor.home.remove();
    else console.log(`what the agents kept: ${editor.home.folder}; what was on the screen: ${editor.output}`);
  }
  return failed === 0 ? 0 : 1;
}
