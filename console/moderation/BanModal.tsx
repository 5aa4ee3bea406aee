/** The form of a ban, as a dialog. */
import { Modal } from "@mantine/core";
import { BanForm } from "./BanForm.tsx";

export interface BanModalProps {
  /** Null while it is closed; empty where the user is to be filled in. */
  readonly user: string | null;
  readonly onClose: () => void;
}

export function BanModal({ user, onClose }: BanModalProps) {
  return (
    <Modal
      opened={user !== null}
      onClose={onClose}
      title="Ban from all rooms"
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <BanForm user={user ?? ""} onDone={onClose} onLeave={onClose} />
    </Modal>
  );
}
