/** Asks before the key of a link takes the place of the one that is in use. */
import { type ReactElement, useEffect, useRef } from "react";
import { tenantOf } from "./access.ts";

interface OtherKeyProps {
  readonly current: string;
  readonly offered: string;
  readonly onKeep: () => void;
  readonly onChange: () => void;
}

export function OtherKey({ current, offered, onKeep, onChange }: OtherKeyProps): ReactElement {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} className="question" aria-labelledby="other-key" onClose={onKeep}>
      <h2 id="other-key">Sign in with another key?</h2>
      <p>
        You are signed in to <b>{tenantOf(current)}</b>. This link signs you in to <b>{tenantOf(offered)}</b>
        {tenantOf(current) === tenantOf(offered) && " with another key"}. Switch only if you expected that: what you
        write then goes there.
      </p>
      <div className="answers">
        <button className="primary" type="button" onClick={onKeep}>
          Keep
        </button>
        <button type="button" onClick={onChange}>
          Switch
        </button>
      </div>
    </dialog>
  );
}
