/** The wire itself: opens a connection as any client would, shows each frame both ways, and sends any by hand. */
import "../debug/debug.css";
import { Stack } from "@mantine/core";
import { useState } from "react";
import type { RoomCapability } from "../../src/protocol/capabilities.ts";
import { FrameLog } from "../debug/frameLog.ts";
import { Frames } from "../debug/frames.tsx";
import { SendBox } from "../debug/sendBox.tsx";
import { useWire } from "../debug/useWire.ts";
import { WireForm } from "../debug/wireForm.tsx";
import { WireState } from "../debug/wireState.tsx";
import { shownError } from "../live/refused.ts";
import { useRights } from "../live/rights.ts";
import { ErrorState } from "../parts/ErrorState.tsx";
import { Loaded } from "../parts/Loaded.tsx";
import { FormSkeleton } from "../parts/Loading.tsx";
import { PageHeader } from "../parts/PageHeader.tsx";

export function DebugPage() {
  const rights = useRights();
  return (
    <>
      <PageHeader
        title="Debug"
        description="A connection as the platform has it: every frame, both ways, and any frame that you write yourself."
      />
      <Loaded query={rights} skeleton={<FormSkeleton fields={6} />}>
        {(held) => <Wire rights={held} />}
      </Loaded>
    </>
  );
}

function Wire({ rights }: { readonly rights: readonly RoomCapability[] }) {
  const [log] = useState(() => new FrameLog());
  const { state, rooms, error, open, close, send } = useWire(log);
  return (
    <Stack gap="lg">
      <div className="debug-top">
        <Stack gap="sm">
          <WireForm rights={rights} state={state} onOpen={open} onClose={close} />
          <WireState state={state} />
          {error !== null && <ErrorState error={shownError(error)} />}
        </Stack>
        <SendBox rooms={rooms} onSend={send} />
      </div>
      <Frames log={log} />
    </Stack>
  );
}
