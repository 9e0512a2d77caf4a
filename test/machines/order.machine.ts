import { assign, fromCallback, setup } from 'xstate';

/** Not one of its three effects would survive a crash. */
export const machine = setup({
  types: { context: {} as { at: Date } },
  actors: { courier: fromCallback(() => {}) },
  actions: { charge: () => fetch('https://pay.example') },
}).createMachine({
  id: 'order',
  context: { at: new Date(0) },
  entry: assign({ at: () => new Date() }),
  initial: 'paying',
  states: {
    paying: { entry: 'charge', on: { 'order.paid': 'sending' } },
    sending: { invoke: { src: 'courier' } },
  },
});
